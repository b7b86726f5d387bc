/** How much faster or slower one clock may run than the other. A clock that is slewed by NTP runs at most this much off. */
const DRIFT = 5e-4;

/** What a step of Redis' clock may be without being noticed, in ms. It covers the rounding to whole ms. */
const TOLERANCE = 3;

/**
 * Bounds of Redis' clock at a moment of this process' monotonic clock. Redis has only a wall clock, which may be set at any time.
 * Each answer carries the time at which Redis executed the question. That was after the question was sent and before the
 * answer was received, so every later time has a lower and an upper bound. A time beyond them means that the clock was set.
 */
export class RedisClock {
  /** Redis' time is at least `#low + (1 - DRIFT) * own`, and at most `#high + (1 + DRIFT) * own`. */
  #low = -Infinity;
  #high = Infinity;

  /** Takes the bounds from an answer. All times in ms; `time` is Redis', rounded down. */
  learn(time: number, sent: number, received: number): void {
    this.#low = Math.max(this.#low, time - (1 - DRIFT) * received);
    this.#high = Math.min(this.#high, time + 1 - (1 + DRIFT) * sent);
  }

  /** Returns the earliest that Redis' clock can show at this moment. */
  earliest(own: number): number {
    return this.#low === -Infinity ? 0 : Math.floor(this.#low + (1 - DRIFT) * own) - TOLERANCE;
  }

  /** Returns the latest that Redis' clock can show at this moment. */
  latest(own: number): number {
    return this.#high === Infinity ? Number.MAX_SAFE_INTEGER : Math.ceil(this.#high + (1 + DRIFT) * own) + TOLERANCE;
  }

  /** Returns whether Redis' clock can have shown `time` between two moments. */
  allows(time: number, sent: number, received: number): boolean {
    return time >= this.earliest(sent) && time <= this.latest(received);
  }
}
