import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a condition, and resolves with its value. A process's start or a stream can take long on a busy machine, so
 * times are not asserted.
 *
 * @throws Error if it is not met within a minute
 */
export async function until<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  what = String(condition),
): Promise<T> {
  // Counts turns of the event loop, because a test may have stopped the clock.
  for (let left = 6_000; left > 0; left -= 1) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    await delay(10);
  }
  throw new Error(`It did not come to pass: ${what}`);
}
