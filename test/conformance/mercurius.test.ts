import fastify from 'fastify';
import { conformance } from '../../src/conformance.js';
import { latchkeyMercurius } from '../../src/mercurius.js';

const cases = conformance({
  async start({ schema, latchkey }) {
    // By default, Fastify refuses a body with a property of the name __proto__.
    const app = fastify({ onProtoPoisoning: 'ignore' });
    // A document that is sent again is compiled, and must be checked as before.
    await app.register(latchkeyMercurius, { latchkey, schema, jit: 1, subscription: true });
    const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
    const streams = { protocol: 'graphql-transport-ws', url: url.replace('http:', 'ws:') } as const;
    return { url, streams, close: () => app.close() };
  },
});

test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
