import { assertAnswers } from '../lib/ask.js';
import { Child } from '../lib/child.js';
import { closedLoop } from '../lib/closedLoop.js';
import { alternate, each } from '../lib/rounds.js';
import { QUERIES } from '../lib/shop.js';
import { temporaryDirectory } from '../lib/temporary.js';

export const title = 'Whole stack: an authenticated query over HTTP';

export const about = `Each subject is a server in a separate process: Fastify and Apollo Server with the same schema and resolvers, without logging.
40 connections use one key. Each sends its next request as soon as it has received a response.

- **Latchkey** is Latchkey's own server. Limits are counted, but too high to refuse a request. For documents that Apollo Server has
  already validated, it skips the rest of Apollo Server's pipeline.
- **same server, no guard** is the same Fastify and Apollo Server, with the same options and HTTP handler, but without
  credentials, guard and limits.
- **package's handler, no guard** uses the handler of @as-integrations/fastify instead.
- **stock server, no guard** uses that handler and Apollo Server's default options.
- **hand-written server, no guard** is one route of Fastify and graphql-js, without Apollo Server, a key or a limit. It parses and validates
  each new document, and remembers it.
- **Latchkey as a library** is "package's handler, no guard" with Latchkey's options, plugin and context, as you would guard your own
  Apollo Server.
- **better-auth** counts requests too. The mapSchema directive checks its scopes.
- **graphql-shield**, **Envelop generic-auth** and the **mapSchema directive** run on the same server. They don't verify keys, so a
  lookup of the key's SHA-256 in a Map runs before them. Envelop's guard runs in Apollo Server through its gateway interface.`;

export const packages = [
  'fastify',
  '@apollo/server',
  '@as-integrations/fastify',
  'graphql',
  'better-auth',
  '@better-auth/api-key',
  'graphql-shield',
  '@envelop/generic-auth',
  '@graphql-tools/utils',
  'autocannon',
];

const BARE = 'same server, no guard';
const PACKAGE = "package's handler, no guard";
const STOCK = 'stock server, no guard';
const HAND_WRITTEN = 'hand-written server, no guard';
const LIBRARY = 'Latchkey as a library';

/** In seconds. After two seconds the engine has optimised the code. */
const WARM_UP = 3;

/** @param {import('../run.js').Run} run @returns {AsyncGenerator<import('../lib/measure.js').Measure>} */
export async function* measure({ rounds, seconds, quick, mongodbUri, only }) {
  const kinds = {
    Latchkey: { kind: 'latchkey', guarded: true },
    [LIBRARY]: { kind: 'library', guarded: true },
    [BARE]: { kind: 'bare' },
    [PACKAGE]: { kind: 'package' },
    [STOCK]: { kind: 'stock' },
    [HAND_WRITTEN]: { kind: 'handWritten' },
    ...(mongodbUri && { 'Latchkey on MongoDB': { kind: 'latchkey', mongodbUri, guarded: true } }),
    'better-auth, memory': { kind: 'betterAuth', guarded: true },
    ...(mongodbUri && { 'better-auth, MongoDB': { kind: 'betterAuth', mongodbUri, guarded: true } }),
    'graphql-shield': { kind: 'shield', guarded: true },
    'Envelop generic-auth': { kind: 'envelop', guarded: true },
    'mapSchema directive': { kind: 'directive', guarded: true },
  };
  const servers = [];
  for (const [name, { guarded = false, ...options }] of Object.entries(kinds)) {
    if (only !== null && !only.includes(options.kind)) continue;
    const child = await Child.start('stack', { name, dataDir: temporaryDirectory(), ...options });
    servers.push({ name, guarded, child, ...child.ready });
  }
  for (const [size, asked] of Object.entries(QUERIES)) {
    const body = JSON.stringify({ query: asked.query });
    const load = (server, time) => async () => {
      const { child, url, headers } = server;
      const before = await child.call('processorTime');
      const answers = await closedLoop({ url, headers, body, seconds: time });
      return { ...answers, processor: ((await child.call('processorTime')) - before) / answers.count };
    };
    for (const server of servers) await assertAnswers(server, asked);
    for (const server of servers) await load(server, quick ? 2 : WARM_UP)();
    const samples = await alternate(
      rounds,
      Object.fromEntries(servers.map((server) => [server.name, load(server, seconds)])),
    );
    yield {
      what: `Throughput, ${size} query`,
      unit: 'responses per second',
      ours: 'Latchkey',
      samples: each(samples, ({ rate }) => rate),
      goals: [
        ...[BARE, PACKAGE].map((against) => ({ against, atLeast: 0.95 })),
        ...(size === 'medium' ? [{ against: STOCK, atLeast: 2 }] : []),
      ],
    };
    yield {
      what: `Throughput as a library, ${size} query`,
      unit: 'responses per second',
      ours: LIBRARY,
      samples: pick(
        each(samples, ({ rate }) => rate),
        [LIBRARY, PACKAGE],
      ),
      goals: [{ against: PACKAGE, atLeast: 0.95 }],
    };
    yield {
      what: `Latency, ${size} query (p99)`,
      unit: 'ms',
      ours: 'Latchkey',
      samples: each(samples, ({ p99 }) => p99),
      goals: [BARE, PACKAGE].map((against) => ({ against, atMost: 1.1 })),
    };
    yield {
      what: `CPU time of the server per request, ${size} query`,
      unit: 'µs',
      ours: 'Latchkey',
      samples: each(samples, ({ processor }) => processor),
      goals: [{ against: HAND_WRITTEN, atMost: 1.15 }],
      note: 'All threads of the process. Other load on the machine affects this value least.',
    };
  }
  for (const { child } of servers) await child.stop();
}

function pick(samples, names) {
  return Object.fromEntries(Object.entries(samples).filter(([name]) => names.includes(name)));
}
