import { Refusal } from '../../src/refusals/refusal.js';
import { failingClosed } from '../../src/schema/resolvers.js';
import { Duplicate, StoreUnavailable } from '../../src/store/errors.js';

const away = new StoreUnavailable(new Error('ECONNREFUSED 10.0.0.5:27017'));

function run(resolve: unknown): unknown {
  const { Query } = failingClosed({ Query: { field: resolve } });
  return (Query.field as (...args: unknown[]) => unknown)({}, {}, {}, {});
}

test.each([
  [
    'thrown',
    () => {
      throw away;
    },
  ],
  ['a promise of it', () => Promise.reject(away)],
])('a store that is away is UNAVAILABLE, without a word of the driver: %s', async (_, resolve) => {
  const refusal: unknown = await Promise.resolve()
    .then(() => run(resolve))
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ details: { code: 'UNAVAILABLE', retryAfter: 1 }, cause: away });
  expect(JSON.stringify(refusal)).not.toContain('ECONNREFUSED');
});

test('so is a unique value that chance drew twice: the next attempt draws another', () => {
  const twice = new Duplicate('key.lookupId', new Error('E11000 duplicate key'));
  expect(() =>
    run(() => {
      throw twice;
    }),
  ).toThrow(expect.objectContaining({ details: { code: 'UNAVAILABLE', retryAfter: 1 } }));
});

test('answers, promises of them, and other errors pass as they are', async () => {
  const fault = new Error('a fault of ours');
  expect(run(() => 5)).toBe(5);
  expect(await run(() => Promise.resolve(5))).toBe(5);
  expect(() =>
    run(() => {
      throw fault;
    }),
  ).toThrow(fault);
  await expect(run(() => Promise.reject(fault))).rejects.toBe(fault);
});

test('what is no function stays', () => {
  expect(failingClosed({ Query: { field: 'x' } })).toEqual({ Query: { field: 'x' } });
});
