/** How often a waiting process checks whether the holder still makes progress, in ms. */
const LOOK_EVERY = 400;

/**
 * A lock is stale if its holder has made no progress for this time, in ms. Longer than the default time limit of a
 * round trip, after which a holder that is still alive gives up.
 */
const STALE_AFTER = 2_000;

/** A lock as read from the store. */
interface Seen {
  readonly lockedBy: string | undefined;
  /** A number that changes while the holder makes progress. */
  readonly progress: number;
}

/** The progress of the process that has a lock, as seen by one that waits. Compares no clocks of different processes. */
export class LockHolder {
  #lockedBy: string | undefined;
  #progress: number | undefined;
  /** When the holder was first seen at this progress, by performance.now(). */
  #since = 0;
  #nextLook = 0;

  isLookDue(): boolean {
    return performance.now() >= this.#nextLook;
  }

  look({ lockedBy, progress }: Seen): void {
    const now = performance.now();
    if (lockedBy !== this.#lockedBy || progress !== this.#progress) this.#since = now;
    [this.#lockedBy, this.#progress] = [lockedBy, progress];
    this.#nextLook = now + LOOK_EVERY;
  }

  /** Returns the holder if its lock is stale. */
  stale(): readonly string[] {
    if (this.#lockedBy === undefined || performance.now() - this.#since < STALE_AFTER) return [];
    return [this.#lockedBy];
  }
}
