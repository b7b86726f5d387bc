/** A state of the store. Records that were read in this state stay valid as long as the state doesn't change. */
export interface StoreState {
  /**
   * Returns the milliseconds for which these records stay valid, as if they were read at the last check. 0: the store has
   * changed since then.
   */
  countsFor(): number;
}

interface StoreStatesOptions {
  /** Returns the version of the store; null if unknown. See {@link Store.version}. */
  readonly version: () => number | null;
  /** How long a check is valid, in milliseconds. */
  readonly ttl: number;
  /** Returns milliseconds of a monotonic clock. */
  readonly clock: () => number;
}

/**
 * The states of a store that has a version, which changes with every change by any process. One check of the version renews
 * all records that were read in the same state, instead of a read for each record.
 */
export class StoreStates {
  readonly #options: StoreStatesOptions;
  #current: StoreState | null = null;

  constructor(options: StoreStatesOptions) {
    this.#options = options;
  }

  /** Returns the state for a read that starts now; null if unknown. */
  current(): StoreState | null {
    if (this.#current !== null && this.#current.countsFor() > 0) return this.#current;
    const checkedAt = this.#options.clock();
    const version = this.#options.version();
    return (this.#current = version === null ? null : new CheckedState(this.#options, version, checkedAt));
  }
}

class CheckedState implements StoreState {
  readonly #options: StoreStatesOptions;
  readonly #version: number;
  #checkedAt: number;
  #isOver = false;

  constructor(options: StoreStatesOptions, version: number, checkedAt: number) {
    this.#options = options;
    this.#version = version;
    this.#checkedAt = checkedAt;
  }

  countsFor(): number {
    if (this.#isOver) return 0;
    const { version, ttl, clock } = this.#options;
    const now = clock();
    if (now - this.#checkedAt >= ttl) {
      if (version() !== this.#version) {
        this.#isOver = true;
        return 0;
      }
      this.#checkedAt = now;
    }
    return this.#checkedAt + ttl - now;
  }
}
