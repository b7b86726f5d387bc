import { performance } from 'node:perf_hooks';
import type { Tier } from '../store/records.js';
import { limitsOf as publishedLimits, type TierLimits } from './tiers.js';
import type { Admission, Limits, Subject } from './limits.js';
import { RATE_WINDOW, SlidingWindow, type Room } from './window.js';

export interface LimiterOptions {
  /** Integer ms that never run back. Default: whole ms since the process began. */
  readonly clock?: () => number;
  /** The table of tiers. Default: the published one. */
  readonly limitsOf?: (tier: Tier) => TierLimits;
}

/** Not Date.now(): the wall clock jumps when it is set, forwards into a free refill and backwards into a lockout. */
function monotonic(): number {
  return Math.floor(performance.now());
}

/**
 * Counts what each key family uses, in this process' memory. All of it is synchronous: between looking and taking there
 * is no await in which a parallel request could look too.
 *
 * Histories go a minute or two after their last use. Two generations of them turn each minute and the elder is dropped
 * whole, so that no request ever pays for a sweep over a million keys.
 */
export class Limiter implements Limits {
  readonly #clock: () => number;
  readonly #limitsOf: (tier: Tier) => TierLimits;
  #young = new Map<string, SlidingWindow>();
  #old = new Map<string, SlidingWindow>();
  #turnedAt: number;
  /** Requests turn the generations as well; the timer is for a process that has none any more. */
  readonly #timer: NodeJS.Timeout;

  constructor(options: LimiterOptions = {}) {
    this.#clock = options.clock ?? monotonic;
    this.#limitsOf = options.limitsOf ?? publishedLimits;
    this.#turnedAt = this.#clock();
    this.#timer = setInterval(() => this.#turn(this.#clock()), RATE_WINDOW).unref();
  }

  /** Takes `cost` units of the family if its tier allows it now. @throws RangeError unless cost is an integer >= 1. */
  admit(subject: Subject, cost = 1): Admission {
    const now = this.#clock();
    const limits = this.#limitsOf(subject.tier);
    const { rate, burst } = limits;
    const known = this.#find(subject.family, now);
    const window = known ?? new SlidingWindow();
    const verdict = window.admit(now, cost, rate, burst);
    const room = window.room(now, rate, burst);
    // Field by field: a spread followed by more fields takes microseconds, and a flood is when refusals must be cheap.
    switch (verdict.outcome) {
      case 'admitted':
        if (known === undefined) this.#young.set(subject.family, window);
        return { outcome: 'admitted', limits, room };
      case 'refused': {
        const { window: name, retryAfterMs } = verdict;
        return { outcome: 'refused', limits, room, window: name, limit: room[name].limit, retryAfterMs };
      }
      case 'never':
        return { outcome: 'never', limits, room, limit: verdict.limit };
    }
  }

  /** What the family has left. Takes nothing and remembers nothing. */
  peek(subject: Subject): Room {
    const now = this.#clock();
    const { rate, burst } = this.#limitsOf(subject.tier);
    return (this.#find(subject.family, now) ?? new SlidingWindow()).room(now, rate, burst);
  }

  /** Families whose history is held. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Stops the timer and forgets everything. Idempotent; the process ends without it too. */
  close(): void {
    clearInterval(this.#timer);
    this.#young.clear();
    this.#old.clear();
  }

  #find(family: string, now: number): SlidingWindow | undefined {
    this.#turn(now);
    const young = this.#young.get(family);
    if (young !== undefined) return young;
    const old = this.#old.get(family);
    if (old === undefined) return undefined;
    this.#old.delete(family);
    this.#young.set(family, old);
    return old;
  }

  #turn(now: number): void {
    const since = now - this.#turnedAt;
    if (since < RATE_WINDOW) return;
    // What is in `old` was last used before the latest turn, thus a whole window ago: nothing of it counts any more.
    this.#old = since < 2 * RATE_WINDOW ? this.#young : new Map<string, SlidingWindow>();
    this.#young = new Map();
    this.#turnedAt = now;
  }
}
