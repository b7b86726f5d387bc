import { jest } from '@jest/globals';
import { EndedKeys, type RemovalPass } from '../../../src/core/keys/ended.js';
import { StoreUnavailable } from '../../../src/core/store/storeErrors.js';

const NOW = 1_790_000_000_000;
const DAY = 86_400_000;
const HOUR = 3_600_000;

/** A store with this number of ended keys, which records each call. */
function given(ended: number, answer?: () => void) {
  const calls: { readonly before: number; readonly limit: number }[] = [];
  const passes: RemovalPass[] = [];
  const store = {
    ended,
    async removeEnded(before: number, limit: number) {
      calls.push({ before, limit });
      answer?.();
      const removed = Math.min(limit, store.ended);
      store.ended -= removed;
      return { removed, isDone: removed < limit };
    },
  };
  const endedKeys = new EndedKeys({ keys: store, keep: 90 * DAY, now: () => NOW, onPass: (pass) => passes.push(pass) });
  return { store, calls, passes, endedKeys };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('X11: removes ended keys soon after the start and once an hour, and reports passes that did something', async () => {
  const { store, calls, passes, endedKeys } = given(3);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(calls.map(({ before }) => before)).toEqual([NOW - 90 * DAY]);
  expect(passes).toEqual([{ removed: 3, error: null }]);
  await jest.advanceTimersByTimeAsync(HOUR);
  expect(calls).toHaveLength(2);
  expect(passes).toHaveLength(1);
  store.ended = 2;
  await jest.advanceTimersByTimeAsync(HOUR);
  expect(passes).toEqual([
    { removed: 3, error: null },
    { removed: 2, error: null },
  ]);
  expect(endedKeys.removed).toBe(5);
  await endedKeys.close();
  await jest.advanceTimersByTimeAsync(3 * HOUR);
  expect(calls).toHaveLength(3);
});

test('X11: removes many keys in small batches, with a pause after each', async () => {
  const { store, calls, endedKeys } = given(1_000);
  const pass = endedKeys.run();
  expect(endedKeys.run()).toBe(pass);
  await jest.advanceTimersByTimeAsync(0);
  expect(calls).toHaveLength(1);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(await pass).toEqual({ removed: 1_000, error: null });
  expect(store.ended).toBe(0);
  expect(Math.max(...calls.map(({ limit }) => limit))).toBeLessThanOrEqual(100);
  await endedKeys.close();
});

test('X11: ends a pass without progress: another process removes the same keys', async () => {
  const calls: number[] = [];
  const keys = {
    removeEnded: async (_: number, limit: number) => ({ removed: calls.push(limit) - calls.length, isDone: false }),
  };
  const endedKeys = new EndedKeys({ keys, keep: DAY, now: () => NOW });
  expect(await endedKeys.run()).toEqual({ removed: 0, error: null });
  expect(calls).toHaveLength(1);
  await endedKeys.close();
});

test('X11: reports a pass that failed, and tries again in the next', async () => {
  let isAway = true;
  const away = new StoreUnavailable(new Error('away'));
  const { passes, endedKeys } = given(7, () => {
    if (isAway) throw away;
  });
  await jest.advanceTimersByTimeAsync(10_000);
  expect(passes).toEqual([{ removed: 0, error: away }]);
  isAway = false;
  await jest.advanceTimersByTimeAsync(HOUR);
  expect(passes.at(-1)).toEqual({ removed: 7, error: null });
  await endedKeys.close();
});

test('X11: closing ends a pass after its batch', async () => {
  const { store, endedKeys } = given(1_000);
  const pass = endedKeys.run();
  await jest.advanceTimersByTimeAsync(0);
  await endedKeys.close();
  const { removed } = await pass;
  expect(removed).toBeLessThanOrEqual(100);
  expect(store.ended).toBe(1_000 - removed);
});
