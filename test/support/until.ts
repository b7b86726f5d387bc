import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a condition, and resolves with what it came to. A process's start or a stream may take long on a busy machine; that
 * it takes no time is never asserted by this.
 *
 * @throws Error when it does not come true within a minute
 */
export async function until<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  what = String(condition),
): Promise<T> {
  // Turns and not a clock, which a test may have stopped.
  for (let left = 6_000; left > 0; left -= 1) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    await delay(10);
  }
  throw new Error(`It did not come to pass: ${what}`);
}
