import { performance } from 'node:perf_hooks';

/**
 * Returns the average time of a synchronous call in µs.
 *
 * @param {number} times
 * @param {(i: number) => unknown} work waits for nothing
 */
export function timed(times, work) {
  const begin = performance.now();
  for (let i = 0; i < times; i += 1) work(i);
  return ((performance.now() - begin) * 1000) / times;
}

/**
 * Like the function above, for calls that may return a promise, one at a time. Does not await other values.
 *
 * @param {number} times
 * @param {(i: number) => unknown} work
 */
export async function timedAsync(times, work) {
  const begin = performance.now();
  for (let i = 0; i < times; i += 1) {
    const result = work(i);
    if (result instanceof Promise) await result;
  }
  return ((performance.now() - begin) * 1000) / times;
}

/**
 * Returns the time of each call in ms, one at a time.
 *
 * @param {number} times
 * @param {(i: number) => unknown} work
 */
export async function timedEach(times, work) {
  const took = new Float64Array(times);
  for (let i = 0; i < times; i += 1) {
    const begin = performance.now();
    await work(i);
    took[i] = performance.now() - begin;
  }
  return took;
}
