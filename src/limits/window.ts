import { TimeRing } from './ring.js';

/** Length of the window that `rate` limits, in ms. */
export const RATE_WINDOW = 60_000;
/** Length of the window that `burst` limits, in ms. */
export const BURST_WINDOW = 1_000;

export type WindowName = 'rate' | 'burst';

/** What one window has left. */
export interface WindowRoom {
  /** Units the window allows. */
  readonly limit: number;
  /** Units that could be used now; 0 also where a lower tier finds more used than it allows. */
  readonly remaining: number;
  /** Milliseconds until `remaining` grows by one, at least 1; null while nothing is used. */
  readonly returnsInMs: number | null;
}

/** What both windows have left. */
export interface Room {
  readonly rate: WindowRoom;
  readonly burst: WindowRoom;
}

/** The answer to an attempt. Only `admitted` took anything. */
export type Verdict =
  | { readonly outcome: 'admitted' }
  /** `window` binds: it is the one with the longer wait. `retryAfterMs`: when the same cost passes, if nothing else does. */
  | { readonly outcome: 'refused'; readonly window: WindowName; readonly retryAfterMs: number }
  /** The cost is above a whole window: no wait would help. `limit`: the highest cost that can pass. */
  | { readonly outcome: 'never'; readonly limit: number };

const ADMITTED: Verdict = { outcome: 'admitted' };

/**
 * Two exact sliding windows over one history: never more than `rate` units in any 60,000 ms, never more than `burst` in
 * any 1,000 ms, and nothing refused that both allow. A window is (t - length, t]: what was admitted exactly a length ago
 * has left it.
 *
 * A history and not a counter: fixed windows let twice the limit through at their border, and a token bucket or an
 * interpolated counter refuses what the published limit allows or allows what it forbids. `rate` and `burst` come with
 * each call, so that a change of tier acts at once and forgets nothing that was used.
 *
 * Times are integer ms of one clock that never runs back; an earlier time counts as the latest one seen.
 */
export class SlidingWindow {
  readonly #times = new TimeRing(RATE_WINDOW);
  /** How many of the newest units lie in the burst window. */
  #recent = 0;

  /** Takes `cost` units if both windows allow it, otherwise nothing. @throws RangeError unless cost is an integer >= 1. */
  admit(now: number, cost: number, rate: number, burst: number): Verdict {
    // NaN would pass every comparison below, and a negative cost would give units back.
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`The cost must be an integer >= 1, not ${cost}`);
    const limit = Math.min(rate, burst);
    if (cost > limit) return { outcome: 'never', limit };

    this.#advance(now);
    const rateWait = this.#wait(RATE_WINDOW, this.#times.size, cost, rate);
    const burstWait = this.#wait(BURST_WINDOW, this.#recent, cost, burst);
    if (rateWait === 0 && burstWait === 0) {
      this.#times.push(cost);
      this.#recent += cost;
      return ADMITTED;
    }
    return rateWait >= burstWait
      ? { outcome: 'refused', window: 'rate', retryAfterMs: rateWait }
      : { outcome: 'refused', window: 'burst', retryAfterMs: burstWait };
  }

  /** What both windows have left at `now`. Takes nothing. */
  room(now: number, rate: number, burst: number): Room {
    this.#advance(now);
    return {
      rate: this.#roomIn(RATE_WINDOW, this.#times.size, rate),
      burst: this.#roomIn(BURST_WINDOW, this.#recent, burst),
    };
  }

  /** Bytes that the history holds; at most 4 for each unit of the last minute and 64 more, as of the latest call. */
  get bytes(): number {
    return this.#times.bytes;
  }

  #advance(now: number): void {
    const times = this.#times;
    times.advance(now);
    let recent = Math.min(this.#recent, times.size);
    while (recent > 0 && times.age(times.size - recent) >= BURST_WINDOW) recent -= 1;
    this.#recent = recent;
  }

  /** Milliseconds until `cost` fits into a window that holds the newest `used` units; 0: it fits now. */
  #wait(length: number, used: number, cost: number, limit: number): number {
    const excess = used + cost - limit;
    if (excess <= 0) return 0;
    // Units leave oldest first, so the cost fits at the very moment when the last of the excess leaves.
    return length - this.#times.age(this.#times.size - used + excess - 1);
  }

  #roomIn(length: number, used: number, limit: number): WindowRoom {
    const remaining = Math.max(0, limit - used);
    if (used === 0) return { limit, remaining, returnsInMs: null };
    return { limit, remaining, returnsInMs: this.#wait(length, used, remaining + 1, limit) };
  }
}
