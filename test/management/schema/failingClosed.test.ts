import { Refusal } from '../../../src/core/errors/refusal.js';
import { failingClosed } from '../../../src/management/schema/failingClosed.js';
import { Duplicate, StoreUnavailable } from '../../../src/core/store/storeErrors.js';

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
])("an unavailable store causes UNAVAILABLE, without the driver's message: %s", async (_, resolve) => {
  const refusal: unknown = await Promise.resolve()
    .then(() => run(resolve))
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ details: { code: 'UNAVAILABLE', retryAfter: 1 }, cause: away });
  expect(JSON.stringify(refusal)).not.toContain('ECONNREFUSED');
});

test('a random value that is already in use gives UNAVAILABLE, because the next attempt draws another one', () => {
  const twice = new Duplicate('key.lookupId', new Error('E11000 duplicate key'));
  expect(() =>
    run(() => {
      throw twice;
    }),
  ).toThrow(expect.objectContaining({ details: { code: 'UNAVAILABLE', retryAfter: 1 } }));
});

test('does not change results, promises and other errors', async () => {
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

test('does not change values that are not functions', () => {
  expect(failingClosed({ Query: { field: 'x' } })).toEqual({ Query: { field: 'x' } });
});
