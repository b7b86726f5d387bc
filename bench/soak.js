// Floods one process with the dearest requests that callers can send, all kinds at once, and measures what others notice.
// `npm run build && node bench/soak.js --minutes 10`. Only loopback; it stops by itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, heap: { type: 'string', default: '384' } },
});
const until = Date.now() + Number(values.minutes) * 60_000;
const OPERATOR = 'operator-key-of-the-soak-0123456789';

const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-soak-'));
const server = spawn(process.execPath, [`--max-old-space-size=${values.heap}`, 'dist/main.js'], {
  env: {
    PATH: process.env.PATH,
    PORT: '0',
    DATA_DIR: dataDir,
    ADMIN_API_KEY: OPERATOR,
    TRUST_PROXY: '127.0.0.1',
    LOG_LEVEL: 'warn',
    METRICS_PORT: '0',
  },
  stdio: ['ignore', 'pipe', 'pipe'],
});
let printed = '';
for (const stream of [server.stdout, server.stderr])
  stream.on('data', (chunk) => (printed = (printed + chunk).slice(-20_000)));
while (!/http:\/\/127\.0\.0\.1:\d+/.test(printed)) await pause(50);
const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed);

/** Status and time of one request; -1 for a connection that broke. */
async function ask(path, { token, address, body, headers = {}, method = 'POST' } = {}) {
  const began = performance.now();
  try {
    const response = await fetch(origin + path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
        ...(address && { 'x-forwarded-for': address }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    return { status: response.status, ms: performance.now() - began, text };
  } catch (error) {
    return { status: -1, ms: performance.now() - began, text: String(error) };
  }
}

const query = (source, options, variables) => ask('/graphql', { ...options, body: { query: source, variables } });

async function tenant(tier) {
  const { text } = await query(
    'mutation ($input: CreateWorkspaceInput!) { createWorkspace(input: $input) { token } }',
    { token: OPERATOR },
    { input: { name: `soak ${tier} ${Math.random()}`, tier } },
  );
  return JSON.parse(text).data.createWorkspace.token;
}

async function keyOf(admin, scopes) {
  const { text } = await query(
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }',
    { token: admin },
    { input: { name: `soak ${Math.random()}`, scopes } },
  );
  return JSON.parse(text).data.createApiKey.token;
}

const aliases = (count, field) => Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');
const statuses = {};
function count(flood, { status }) {
  statuses[flood] ??= {};
  statuses[flood][status] = (statuses[flood][status] ?? 0) + 1;
}

/** Repeats `work` with `width` of it at once until the end. */
function flood(name, width, work, gap = 0) {
  return Array.from({ length: width }, async (_, lane) => {
    for (let i = 0; Date.now() < until; i += 1) {
      count(name, await work(lane, i));
      if (gap > 0) await pause(gap);
    }
  });
}

const attacker = await tenant('GROWTH');
const maker = await tenant('ENTERPRISE');
const good = await keyOf(await tenant('GROWTH'), ['read:assets']);
const columns = Array.from({ length: 1_000 }, (_, i) => ({ name: `c${i}`, type: 'text' }));
for (let i = 0; i < 19; i += 1) {
  await query(
    'mutation ($input: RegisterAssetInput!) { registerAsset(input: $input) { name } }',
    { token: attacker },
    {
      input: { name: `asset.${i}`, columns },
    },
  );
}

/** Opens a subscription and reads nothing of it, or all. */
function stream(slow) {
  const selection = `schema { columns { ${aliases(20, 'name')} } }`;
  const sent = request(`${origin}/graphql/stream`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${attacker}`,
      accept: 'text/event-stream',
      'content-type': 'application/json',
    },
  });
  sent.on('response', (response) => {
    count(slow ? 'slow streams' : 'streams', { status: response.statusCode });
    if (!slow) response.resume();
    response.on('error', () => undefined);
  });
  sent.on('error', () => undefined);
  sent.end(JSON.stringify({ query: `subscription { assetChanged { ${selection} } }` }));
  return sent;
}
const streams = Array.from({ length: 10 }, (_, i) => stream(i % 2 === 0));

const latencies = [];
const health = [];
const memory = [];
const everySecond = setInterval(() => {
  try {
    memory.push(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024);
  } catch {
    // The process has ended, which is told below.
  }
}, 1_000);

const network = (lane, i) => `2001:db8:${lane.toString(16)}:${(i % 4_096).toString(16)}::1`;
await Promise.all([
  ...flood(
    'R1 comments without a key',
    2,
    (lane, i) => query(`{tiers{tier}} #${lane}.${i}${'x'.repeat(250_000)}`, { address: network(lane, i) }),
    20,
  ),
  ...flood(
    'R2 multiplied lists',
    1,
    (_, i) =>
      query(`{ assets(first: 19) { schema { columns { ${aliases(60, 'name')} } } } } #${i % 50}`, { token: attacker }),
    50,
  ),
  ...flood(
    'R3 changes for streams',
    1,
    (_, i) =>
      query(
        'mutation ($input: RecordLoadInput!) { recordLoad(input: $input) { name } }',
        { token: attacker },
        {
          input: { asset: `asset.${i % 19}`, rows: 1 },
        },
      ),
    100,
  ),
  ...flood(
    'R4 messages of MCP',
    2,
    (_, i) =>
      ask('/mcp', {
        token: attacker,
        headers: { accept: 'application/json, text/event-stream' },
        body: { jsonrpc: '2.0', id: i, method: 'tools/list' },
      }),
    10,
  ),
  ...flood(
    'R5 introspection without a key',
    2,
    (lane, i) => query(`{ __schema { types { name fields { name } } } } #${i}`, { address: network(lane + 16, i) }),
    10,
  ),
  ...flood('R6 creations', 8, (_, i) =>
    query(
      'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } } }',
      { token: maker },
      { input: { name: `made ${i}`, scopes: ['read:assets'], expiresAt: new Date(Date.now() + 60_000).toISOString() } },
    ),
  ),
  ...flood(
    'wrong keys',
    2,
    (lane, i) => query('{ viewer { credential { id } } }', { token: `sk_live_${i}`, address: network(lane + 32, i) }),
    10,
  ),
  (async () => {
    while (Date.now() < until) {
      const answer = await query('{ assets(first: 5) { name } viewer { credential { id } } }', { token: good });
      count('good tenant', answer);
      latencies.push(answer.ms);
      await pause(100);
    }
  })(),
  (async () => {
    while (Date.now() < until) {
      const answer = await ask('/healthz', { method: 'GET' });
      count('/healthz', answer);
      health.push(answer.ms);
      await pause(200);
    }
  })(),
]);
clearInterval(everySecond);
for (const sent of streams) sent.destroy();

const at = (list, part) => Math.round([...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * part)] ?? NaN);
const alive = server.exitCode === null && server.signalCode === null;
console.log(JSON.stringify(statuses, null, 1));
console.log(`the process ${alive ? 'lives' : `ended: ${server.exitCode ?? server.signalCode}`}`);
console.log(
  `good tenant: ${latencies.length} requests, p50 ${at(latencies, 0.5)} ms, p99 ${at(latencies, 0.99)} ms, max ${at(latencies, 1)} ms`,
);
console.log(
  `/healthz: ${health.length} requests, p50 ${at(health, 0.5)} ms, p99 ${at(health, 0.99)} ms, max ${at(health, 1)} ms`,
);
console.log(`memory: RSS ${at(memory, 0.5)} MB in the median, ${at(memory, 1)} MB at most`);
if (alive) {
  server.kill('SIGTERM');
  await once(server, 'exit');
}
rmSync(dataDir, { recursive: true, force: true });
process.exitCode = alive ? 0 : 1;
