// Floods one process with the most expensive requests, all kinds at the same time, and measures the effect on other
// requests. `npm run build && node bench/soak.js --minutes 10`. Uses only loopback, and stops by itself.
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { end } from './lib/atEnd.js';
import { aliases, Program } from './lib/program.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, heap: { type: 'string', default: '384' } },
});
const until = Date.now() + Number(values.minutes) * 60_000;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end().finally(() => process.exit(130)));
try {
  await run();
} finally {
  await end();
}

async function run() {
  const program = await Program.start({ TRUST_PROXY: '127.0.0.1' }, [`--max-old-space-size=${values.heap}`]);
  const query = program.query.bind(program);
  const ask = program.ask.bind(program);

  const statuses = {};
  function count(flood, { status }) {
    statuses[flood] ??= {};
    statuses[flood][status] = (statuses[flood][status] ?? 0) + 1;
  }

  /** Repeats `work` with a concurrency of `width` until the end. */
  function flood(name, width, work, gap = 0) {
    return Array.from({ length: width }, async (_, lane) => {
      for (let i = 0; Date.now() < until; i += 1) {
        count(name, await work(lane, i));
        if (gap > 0) await pause(gap);
      }
    });
  }

  const attacker = await program.tenant('GROWTH');
  const maker = await program.tenant('ENTERPRISE');
  const { token: good } = await program.mutate(
    'createApiKey',
    { name: 'good', scopes: ['read:assets'] },
    await program.tenant('GROWTH'),
    'token',
  );
  const columns = Array.from({ length: 1_000 }, (_, i) => ({ name: `c${i}`, type: 'text' }));
  for (let i = 0; i < 19; i += 1)
    await program.mutate('registerAsset', { name: `asset.${i}`, columns }, attacker, 'name');

  /** Opens a subscription and reads none or all of it. */
  function stream(slow) {
    const selection = `schema { columns { ${aliases(20, 'name')} } }`;
    const sent = request(`${program.origin}/graphql/stream`, {
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
    if (program.isAlive) memory.push(program.memory);
  }, 1_000);

  /** Four networks for each lane of a flood. */
  const network = (lane, i) => `2001:db8:${lane.toString(16)}:${i % 4}::1`;
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
        query(`{ assets(first: 19) { schema { columns { ${aliases(60, 'name')} } } } } #${i % 50}`, {
          token: attacker,
        }),
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
        {
          input: { name: `made ${i}`, scopes: ['read:assets'], expiresAt: new Date(Date.now() + 60_000).toISOString() },
        },
      ),
    ),
    ...flood(
      'wrong keys',
      2,
      (lane, i) =>
        query('{ viewer { credential { id } } }', { token: `lks_live_${i}`, address: network(lane + 32, i) }),
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
  const alive = program.isAlive;
  console.log(JSON.stringify(statuses, null, 1));
  console.log(`the process ${alive ? 'lives' : 'ended'}`);
  const told = (list) => `p50 ${at(list, 0.5)} ms, p99 ${at(list, 0.99)} ms, max ${at(list, 1)} ms of ${list.length}`;
  console.log(`good tenant: ${told(latencies)}`);
  console.log(`/healthz: ${told(health)}`);
  console.log(`memory: RSS ${at(memory, 0.5)} MB in the median, ${at(memory, 1)} MB at most`);
  process.exitCode = alive ? 0 : 1;
}
