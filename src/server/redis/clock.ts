/** The largest difference in speed between two clocks. NTP slews a clock by at most this much. */
const DRIFT = 5e-4;

/** The largest change of Redis' clock that is not noticed, in ms. Covers the rounding to whole ms. */
const TOLERANCE = 3;

/**
 * Bounds of Redis' clock for a time of this process' monotonic clock. Redis has only a wall clock, which can be set at
 * any time. Each reply contains the time at which Redis ran the command: after the command was sent and before the
 * reply was received. This gives a lower and an upper bound for every later time. A time outside of the bounds means
 * that the clock was set.
 */
export class RedisClock {
  /** Redis' time is at least `#low + (1 - DRIFT) * own` and at most `#high + (1 + DRIFT) * own`. */
  #low = -Infinity;
  #high = Infinity;

  /** Updates the bounds from a reply. All times in ms; `time` is Redis' time, rounded down. */
  learn(time: number, sent: number, received: number): void {
    this.#low = Math.max(this.#low, time - (1 - DRIFT) * received);
    this.#high = Math.min(this.#high, time + 1 - (1 + DRIFT) * sent);
  }

  /** Returns the earliest time that Redis' clock can show at this moment. */
  earliest(own: number): number {
    return this.#low === -Infinity ? 0 : Math.floor(this.#low + (1 - DRIFT) * own) - TOLERANCE;
  }

  /** Returns the latest time that Redis' clock can show at this moment. */
  latest(own: number): number {
    return this.#high === Infinity ? Number.MAX_SAFE_INTEGER : Math.ceil(this.#high + (1 + DRIFT) * own) + TOLERANCE;
  }

  /** Returns whether Redis' clock can have shown `time` between two moments. */
  allows(time: number, sent: number, received: number): boolean {
    return time >= this.earliest(sent) && time <= this.latest(received);
  }
}
