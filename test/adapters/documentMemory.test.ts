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
  ['Yoga', startYoga],
  ['Mercurius', startMercurius],
])('R1: a caller without a key can’t fill the memory of %s with documents', (_, start) => {
  it.each([
    ['comments of 200 kB', 450, (i: number) => `{ open } #${i}${'x'.repeat(200_000)}`],
    ['invalid documents of 200 kB', 450, (i: number) => `{ wrong${i} } #${'x'.repeat(200_000)}`],
    ['many fields', 290, (i: number) => `{ ${names.join(' ')} a${i}: open }`],
  ])('%s', async (_name, times, document) => {
    const server = await start({ typeDefs, resolvers });
    try {
      await server.query('{ open }', { token: null });
      const before = heap();
      for (let i = 0; i < times; i += 1) await server.query(document(i), { token: null });
      const kept = heap() - before;
      // Mercurius has two caches, and the guard has one.
      expect(kept).toBeLessThan(3 * MAX_CACHED_DOCUMENT_BYTES);
    } finally {
      await server.close();
    }
  });
});
