import { assertAnswers } from '../lib/ask.js';
import { Child } from '../lib/child.js';
import { closedLoop } from '../lib/closedLoop.js';
import { alternate, each } from '../lib/rounds.js';
import { QUERIES } from '../lib/shop.js';
import { temporaryDirectory } from '../lib/temporary.js';

export const title = 'Whole stack: an authenticated query over HTTP';

export const about = `Each subject is a server in a process of its own: Fastify, Apollo Server, the same schema and resolvers,
no logging. Latchkey is its own server as it runs, its limits counted but too high to bind; it answers documents that Apollo
Server has validated without the rest of that one's pipeline. "same server, no guard" is the same Fastify and Apollo Server
without credentials, guard and limits: the same options, and the same handler between the two.
"package's handler, no guard" has the handler of @as-integrations/fastify in its place, and "stock server, no guard" has
that and none of the options. "Latchkey on one's own server" is the second of them guarded as any Apollo Server is: by
Latchkey's options, plugin and context. The peers run on the same server as Latchkey. The guards that verify no keys stand
behind a look-up of the key's SHA-256 in a Map. better-auth counts requests as well; its scopes are held by the mapSchema
directive. Envelop's guard runs under Apollo Server through its interface for gateways. 40 connections ask as fast as they
are answered, with one key.`;

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
const LIBRARY = "Latchkey on one's own server";

/** Seconds. After two of them the engine has optimised what the requests run. */
const WARM_UP = 3;

/** @param {import('../run.js').Run} run @returns {AsyncGenerator<import('../lib/measure.js').Measure>} */
export async function* measure({ rounds, seconds, quick, mongodbUri, only }) {
  const kinds = {
    Latchkey: { kind: 'latchkey', guarded: true },
    [LIBRARY]: { kind: 'library', guarded: true },
    [BARE]: { kind: 'bare' },
    [PACKAGE]: { kind: 'package' },
    'stock server, no guard': { kind: 'stock' },
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
      what: `Answers to the ${size} query`,
      unit: 'answers a second',
      ours: 'Latchkey',
      samples: each(samples, ({ rate }) => rate),
      goals: [BARE, PACKAGE].map((against) => ({ against, atLeast: 0.95 })),
    };
    yield {
      what: `Answers to the ${size} query by an Apollo Server of one's own, guarded by Latchkey`,
      unit: 'answers a second',
      ours: LIBRARY,
      samples: pick(
        each(samples, ({ rate }) => rate),
        [LIBRARY, PACKAGE],
      ),
      goals: [{ against: PACKAGE, atLeast: 0.95 }],
    };
    yield {
      what: `Slowest 1 % of the ${size} query (p99)`,
      unit: 'ms',
      ours: 'Latchkey',
      samples: each(samples, ({ p99 }) => p99),
      goals: [BARE, PACKAGE].map((against) => ({ against, atMost: 1.1 })),
    };
    yield {
      what: `Processor time of the server for an answer to the ${size} query`,
      unit: 'µs',
      ours: 'Latchkey',
      samples: each(samples, ({ processor }) => processor),
      note: 'All threads of the process. The figure that other load on the machine disturbs least.',
    };
  }
  for (const { child } of servers) await child.stop();
}

function pick(samples, names) {
  return Object.fromEntries(Object.entries(samples).filter(([name]) => names.includes(name)));
}
