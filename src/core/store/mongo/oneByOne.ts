import { setTimeout as delay } from 'node:timers/promises';

/** Longest time that a task waits for its turn, in ms. */
const LONGEST_WAIT = 3_000;

/**
 * Runs the tasks of a key one after another, in the order of the calls. This only avoids conflicts: a task that has
 * waited for {@link LONGEST_WAIT} starts before its turn, so that a store that does not respond delays nobody for long.
 */
export class OneByOne {
  readonly #longest: number;
  /** The last task by key, while tasks run. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** @param longest default: {@link LONGEST_WAIT} */
  constructor(longest = LONGEST_WAIT) {
    this.#longest = longest;
  }

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const running = before === undefined ? task() : this.#turn(before).then(task);
    this.#last.set(key, running);
    try {
      return await running;
    } finally {
      if (this.#last.get(key) === running) this.#last.delete(key);
    }
  }

  /** Waits until the task before has ended, with or without an error. */
  async #turn(before: Promise<unknown>): Promise<void> {
    const waited = new AbortController();
    const { signal } = waited;
    try {
      await Promise.race([before, delay(this.#longest, null, { signal })]);
    } catch {
      // The caller of the task before gets its error.
    } finally {
      waited.abort();
    }
  }
}
