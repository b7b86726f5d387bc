import { performance } from 'node:perf_hooks';

/**
 * Microseconds that one call takes, over many.
 * @param {number} times
 * @param {(i: number) => unknown} work waits for nothing
 */
export function timed(times, work) {
  const begin = performance.now();
  for (let i = 0; i < times; i += 1) work(i);
  return ((performance.now() - begin) * 1000) / times;
}

/**
 * The same of calls that may have to be waited for, one after the other. What waits for nothing is not made to wait.
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
 * Milliseconds of each call, one after the other.
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
