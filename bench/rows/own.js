import { assertAnswers } from '../lib/ask.js';
import { Child } from '../lib/child.js';
import { closedLoop } from '../lib/closedLoop.js';
import { alternate } from '../lib/rounds.js';
import { QUERIES } from '../lib/shop.js';
import { temporaryDirectory } from '../lib/temporary.js';

export const title = 'Your own server, guarded and unguarded';

export const about = `Each server runs twice, as its documentation starts it: without a guard, and guarded by Latchkey's adapter, which verifies a key,
guards the schema, and counts limits that are too high to refuse a request. Each process has its own schema and resolvers. The two
take turns within a round, and the tables show the ratio of their values in the same round.

- **Apollo Server** with its standalone server, with Express 5, and with Fastify 5: \`new ApolloServer(apolloOptions(latchkey, { schema }))\`.
- **FastApolloServer** replaces \`ApolloServer\` by \`FastApolloServer\` of latchkey/apollo.
- **GraphQL Yoga** with Node's HTTP server, and **Mercurius** with Fastify 5.

**Header fields only** is a third process: no guard, but the \`Authorization\` field of the request and the three header fields of the
response. No guard can take less. Like the guarded server, Yoga doesn't count the bytes of a body there, which takes most of its time.`;

export const packages = [
  '@apollo/server',
  '@as-integrations/express5',
  '@as-integrations/fastify',
  'graphql-yoga',
  'mercurius',
];

const APOLLO = { rate: 0.95, processor: 1.05 };
const OTHERS = { rate: 0.97, processor: 1 / 0.97 };

/** Guarded servers, with the goals for their ratios to the unguarded one. */
const SUBJECTS = {
  'Apollo Server, standalone': { server: 'standalone', guard: 'plugin', goals: APOLLO },
  'Apollo Server, Express 5': { server: 'express', guard: 'plugin', goals: APOLLO },
  'Apollo Server, Fastify 5': { server: 'fastify', guard: 'plugin', goals: APOLLO },
  'FastApolloServer, standalone': { server: 'standalone', guard: 'fast', goals: APOLLO },
  'FastApolloServer, Express 5': { server: 'express', guard: 'fast', goals: APOLLO },
  'FastApolloServer, Fastify 5': { server: 'fastify', guard: 'fast', goals: APOLLO },
  'GraphQL Yoga': { server: 'yoga', guard: 'plugin', goals: OTHERS },
  Mercurius: { server: 'mercurius', guard: 'plugin', goals: OTHERS },
};

/** In seconds. After two seconds the engine has optimised the code. */
const WARM_UP = 3;

/** @param {import('../run.js').Run} run @returns {AsyncGenerator<import('../lib/measure.js').Measure>} */
export async function* measure({ rounds, seconds, quick, only }) {
  const subjects = Object.entries(SUBJECTS).filter(([, { server }]) => only === null || only.includes(server));
  /** @type {Record<string, Record<string, Pair[]>>} */
  const bySize = Object.fromEntries(Object.keys(QUERIES).map((size) => [size, {}]));
  for (const [name, options] of subjects) {
    const pair = await pairOf(name, options);
    for (const [size, asked] of Object.entries(QUERIES)) {
      bySize[size][name] = await measurePair(pair, asked, { rounds, seconds, warmUp: quick ? 2 : WARM_UP });
    }
    for (const { child } of Object.values(pair)) await child.stop();
  }
  for (const [size, pairs] of Object.entries(bySize)) {
    const ratios = (part) =>
      Object.fromEntries(
        Object.entries(pairs).map(([name, samples]) => [
          name,
          samples.map(({ guarded, unguarded }) => guarded[part] / unguarded[part]),
        ]),
      );
    yield {
      what: `Throughput, guarded ÷ unguarded, ${size} query`,
      unit: 'ratio',
      samples: ratios('rate'),
      goals: subjects.map(([of, { goals }]) => ({ of, atLeast: goals.rate })),
    };
    yield {
      what: `CPU time of the server per request, guarded ÷ unguarded, ${size} query`,
      unit: 'ratio',
      samples: ratios('processor'),
      goals: subjects.map(([of, { goals }]) => ({ of, atMost: Number(goals.processor.toFixed(2)) })),
      note: 'All threads of the process. Other load on the machine affects this value least.',
    };
    yield {
      what: `CPU time of the server per request, ${size} query`,
      unit: 'µs',
      samples: Object.fromEntries(
        Object.entries(pairs).flatMap(([name, samples]) => [
          [name, samples.map(({ guarded }) => guarded.processor)],
          ...(samples[0]?.fields
            ? [[`${name}, header fields only`, samples.map(({ fields }) => fields.processor)]]
            : []),
          [`${name}, unguarded`, samples.map(({ unguarded }) => unguarded.processor)],
        ]),
      ),
    };
  }
}

/** @typedef {{ rate: number, processor: number }} Sample */
/** @typedef {{ guarded: Sample, unguarded: Sample, fields?: Sample }} Pair */

async function pairOf(name, { server, guard }) {
  const start = async (more) => {
    const child = await Child.start('own', { name, server, dataDir: temporaryDirectory(), ...more });
    return { child, ...child.ready };
  };
  const pair = { guarded: await start({ guard }), unguarded: await start({}) };
  return guard === 'plugin' ? { ...pair, fields: await start({ guard: 'fields' }) } : pair;
}

/** @returns {Promise<Pair[]>} a pair a round */
async function measurePair(pair, asked, { rounds, seconds, warmUp }) {
  const body = JSON.stringify({ query: asked.query });
  const load =
    ({ child, url, headers }, time) =>
    async () => {
      const before = await child.call('processorTime');
      const answers = await closedLoop({ url, headers, body, seconds: time });
      return { rate: answers.rate, processor: ((await child.call('processorTime')) - before) / answers.count };
    };
  for (const server of Object.values(pair)) {
    await assertAnswers(server, asked);
    await load(server, warmUp)();
  }
  const loads = Object.entries(pair).map(([kind, server]) => [kind, load(server, seconds)]);
  const { guarded, unguarded, fields } = await alternate(rounds, Object.fromEntries(loads));
  return guarded.map((sample, round) => ({ guarded: sample, unguarded: unguarded[round], fields: fields?.[round] }));
}
