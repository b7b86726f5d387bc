import { setTimeout as delay } from 'node:timers/promises';

/** In ms. The bound of a wait, unless a test stopped the clock. */
const MINUTE = 60_000;

export interface UntilOptions {
  /** The description in the error. Default: the source text of the condition. */
  readonly what?: string;
  /**
   * The pause after each attempt, in ms. A condition that sends requests needs a pause that keeps it below the limits of its key or
   * network: on a slow machine it is tried many times. Default: 10.
   */
  readonly every?: number;
}

/**
 * Waits for a condition, and resolves with its value. A process's start or a stream can take long on a busy machine, so
 * times are not asserted.
 *
 * @throws Error if it is not met within a minute
 */
export async function until<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  options: string | UntilOptions = {},
): Promise<T> {
  const { what = String(condition), every = 10 } = typeof options === 'string' ? { what: options } : options;
  // Counts turns of the event loop, because a test may have stopped the clock.
  for (let left = MINUTE / every; left > 0; left -= 1) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    await delay(every);
  }
  throw new Error(`It did not come to pass: ${what}`);
}
