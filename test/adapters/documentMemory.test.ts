import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MAX_CACHED_DOCUMENT_BYTES } from '../../src/core/guard/document/documentCache.js';
import { startMercurius } from './mercurius/startMercurius.js';
import { startYoga } from './yoga/startYoga.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const heap = (): number => {
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

// Many names, because validation compares fields of the same name in pairs.
const names = Array.from({ length: 600 }, (_, n) => `f${n}`);
const typeDefs = `extend type Query { open: Int @public ${names.map((name) => `${name}: Int @public`).join(' ')} }`;
const resolvers = { Query: { open: () => 1 } };

describe.each([
  // Yoga has the guard's cache only. Mercurius has two more caches, which share one limit.
  { server: 'Yoga', start: startYoga, caches: 1.5, large: 80, wide: 150 },
  { server: 'Mercurius', start: startMercurius, caches: 2, large: 100, wide: 200 },
])('R1: a caller without a key can’t fill the memory of $server with documents', ({ start, caches, large, wide }) => {
  it.each([
    ['comments of 600 kB', large, (i: number) => `{ open } #${i}${'x'.repeat(600_000)}`, undefined],
    [
      'invalid documents of 600 kB',
      large,
      (i: number) => `{ wrong${i} } #${'x'.repeat(600_000)}`,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['many fields', wide, (i: number) => `{ ${names.join(' ')} a${i}: open }`, undefined],
  ])('%s', async (_name, times, document, code) => {
    const server = await start({ typeDefs, resolvers });
    try {
      await server.query('{ open }', { token: null });
      const before = heap();
      for (let i = 0; i < times; i += 1) {
        const { body } = await server.query(document(i), { token: null });
        // Documents beyond a bound are not cached.
        expect(body.errors?.[0].extensions.code).toBe(code);
      }
      const kept = heap() - before;
      expect(kept).toBeLessThan(caches * MAX_CACHED_DOCUMENT_BYTES);
    } finally {
      await server.close();
    }
  });
});
