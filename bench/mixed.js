// Puts the load of an ordinary day on one process, with all kinds of requests at the same time, and reports memory,
// handles and latency for each minute. `npm run build && node bench/mixed.js --minutes 10`. Uses only loopback, and
// stops by itself.
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { end } from './lib/atEnd.js';
import { OPERATOR, Program } from './lib/program.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const MINUTE = 60_000;
const minutes = Number(values.minutes);
/** From this minute on, memory and handles should be constant. */
const LEVEL_FROM = 3;
/** The maximum ratio of a later minute to minute 3. */
const TOLERANCE = 1.15;

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end().finally(() => process.exit(130)));
try {
  await run();
} finally {
  await end();
}

async function run() {
  const program = await Program.start({ DEFAULT_TIER: 'ENTERPRISE' });
  const admin = await program.tenant('ENTERPRISE');

  /** The data of each minute: latencies of requests, unexpected statuses, and samples. */
  const seen = Array.from({ length: Math.ceil(minutes) + 1 }, () => ({ times: [], unexpected: {}, samples: [] }));
  const now = () => seen[Math.min(seen.length - 1, Math.floor((Date.now() - began) / MINUTE))];

  /** Repeats `work` with this concurrency until the end. @param expected statuses */
  function load(name, { width, gap, expected }, work) {
    return Array.from({ length: width }, async (_, lane) => {
      for (let i = 0; Date.now() < until; i += 1) {
        const answer = await work(lane, i);
        now().times.push(answer.ms);
        if (!expected.includes(answer.status)) {
          const key = `${name} ${answer.status}`;
          now().unexpected[key] = (now().unexpected[key] ?? 0) + 1;
        }
        await pause(gap);
      }
    });
  }

  const createKey = (name) =>
    program.mutate(
      'createApiKey',
      { name, scopes: ['read:assets'], expiresAt: new Date(Date.now() + (minutes + 5) * MINUTE).toISOString() },
      admin,
      'token apiKey { id }',
    );

  const keys = [];
  /** A workspace can create 300 keys in a minute, and the load below creates up to 200 more. */
  const CREATION_GAP = 220;
  for (let i = 0; i < 200; i += 1) {
    keys.push((await createKey(`key ${i}`)).token);
    await pause(CREATION_GAP);
  }
  for (let i = 0; i < 20; i += 1) await program.mutate('registerAsset', { name: `asset.${i}` }, admin, 'name');

  /**
   * More documents than the cache of documents has room for. The load below would need ten minutes to fill it, and a cache that
   * is still filling looks like a leak.
   */
  const DOCUMENTS = 20_000;
  const FILLERS = 8;
  await Promise.all(
    Array.from({ length: FILLERS }, async (_, lane) => {
      for (let i = lane; i < DOCUMENTS; i += FILLERS) {
        await program.query(`{ assets(first: 1) { name filler${i}: name } }`, { token: keys[i % keys.length] });
      }
    }),
  );

  const began = Date.now();
  const until = began + minutes * MINUTE;

  /** Opens a stream, reads it for a while and closes it. */
  function stream() {
    const start = performance.now();
    return new Promise((resolve) => {
      const done = (status) => resolve({ status, ms: performance.now() - start });
      const sent = request(`${program.origin}/graphql/stream`, {
        method: 'POST',
        headers: { authorization: `Bearer ${admin}`, accept: 'text/event-stream', 'content-type': 'application/json' },
      });
      sent.on('error', () => done(-1));
      sent.on('response', (response) => {
        response.on('error', () => undefined).resume();
        done(response.statusCode);
        setTimeout(() => sent.destroy(), 3_000);
      });
      sent.end(JSON.stringify({ query: 'subscription { assetChanged { name } }' }));
    });
  }

  const figure = (text, name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
  const sampling = setInterval(async () => {
    const { text } = await program.ask('/metrics', { method: 'GET', token: OPERATOR });
    now().samples.push({
      rss: program.memory,
      heap: figure(text, 'nodejs_heap_size_used_bytes') / 2 ** 20,
      handles: figure(text, 'nodejs_active_handles_total'),
      files: readdirSync(`/proc/${program.pid}/fd`).length,
    });
  }, 1_000);

  const every = (list, i) => list[i % list.length];
  await Promise.all([
    ...load('known key', { width: 4, gap: 10, expected: [200, 429] }, (lane, i) =>
      program.query('{ assets(first: 5) { name } }', { token: every(keys, i * 7 + lane) }),
    ),
    ...load('new document', { width: 1, gap: 50, expected: [200, 429] }, (_, i) =>
      program.query(`{ assets(first: ${(i % 50) + 1}) { name a${i}: name } }`, { token: every(keys, i) }),
    ),
    ...load('wrong key', { width: 1, gap: 200, expected: [401, 429] }, (_, i) =>
      program.query('{ viewer { scopes } }', { token: `lks_live_${i}` }),
    ),
    ...load('no key', { width: 1, gap: 100, expected: [200, 429] }, () => program.query('{ tiers { tier } }')),
    ...load('list of keys', { width: 1, gap: 200, expected: [200] }, () =>
      program.query('{ apiKeys(first: 50) { totalCount nodes { id name lastUsedAt } } }', { token: admin }),
    ),
    ...load('audit log', { width: 1, gap: 500, expected: [200] }, () =>
      program.query('{ auditLog(first: 50) { nodes { seq action } } }', { token: admin }),
    ),
    ...load('change', { width: 1, gap: 50, expected: [200] }, (_, i) =>
      program.query(
        'mutation ($input: RecordLoadInput!) { recordLoad(input: $input) { name } }',
        { token: admin },
        { input: { asset: `asset.${i % 20}`, rows: 1 } },
      ),
    ),
    ...load('creation and revocation', { width: 1, gap: 300, expected: [200] }, async (_, i) => {
      const { apiKey, token } = await createKey(`made ${i}`);
      await program.query('{ viewer { scopes } }', { token });
      return program.query(`mutation { revokeApiKey(input: { id: "${apiKey.id}" }) { __typename } }`, { token: admin });
    }),
    ...load('MCP', { width: 1, gap: 500, expected: [200] }, (_, i) =>
      program.ask('/mcp', {
        token: admin,
        headers: { accept: 'application/json, text/event-stream' },
        body: { jsonrpc: '2.0', id: i, method: 'tools/list' },
      }),
    ),
    ...load('streams', { width: 2, gap: 500, expected: [200] }, stream),
  ]);
  clearInterval(sampling);

  const at = (list, part) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * part)] ?? NaN;
  const rows = seen
    .filter(({ samples }) => samples.length > 10)
    .map(({ times, samples, unexpected }, i) => {
      const of = (name, part = 0.5) =>
        Math.round(
          at(
            samples.map((sample) => sample[name]),
            part,
          ),
        );
      return {
        minute: i + 1,
        requests: times.length,
        p50: Math.round(at(times, 0.5)),
        p99: Math.round(at(times, 0.99)),
        'RSS MB': of('rss'),
        // The minimum, after collections: between them it rises with each request.
        'heap MB': of('heap', 0.1),
        handles: of('handles'),
        files: of('files'),
        unexpected: Object.entries(unexpected)
          .map(([name, count]) => `${name}: ${count}`)
          .join(', '),
      };
    });
  console.table(rows);
  const alive = program.isAlive;
  const first = rows.find(({ minute }) => minute === LEVEL_FROM);
  const last = rows.at(-1);
  const grown = ['RSS MB', 'heap MB', 'handles', 'files'].filter(
    (name) => first && last[name] > first[name] * TOLERANCE,
  );
  if (first === undefined) console.log(`Too short to see whether it is constant from minute ${LEVEL_FROM} on.`);
  else
    console.log(
      grown.length === 0 ? `Constant from minute ${LEVEL_FROM} on.` : `Grown since minute 3: ${grown.join(', ')}.`,
    );
  process.exitCode = alive && grown.length === 0 && rows.every(({ unexpected }) => unexpected === '') ? 0 : 1;
}
