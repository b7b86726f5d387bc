import { performance } from 'node:perf_hooks';
import type { Tier } from '../store/records.js';
import { limitsOf as publishedLimits, type TierLimits } from './tiers.js';
import type { Admission, Limits, Subject } from './limits.js';
import { RATE_WINDOW, type Room } from './window.js';
import { Windows } from './windows.js';

export interface LimiterOptions {
  /** Integer ms that never run back; an earlier time counts as the latest one seen. Default: those since the process began. */
  readonly clock?: () => number;
  /** The table of tiers. Default: the published one. */
  readonly limitsOf?: (tier: Tier) => TierLimits;
}

/**
 * Parts that the families are dealt to. Each has a turn a minute, in which it is cleared of the idle. With a million
 * families a turn takes a few milliseconds, in which requests wait; each part itself takes a kilobyte.
 */
const PARTS = 240;
/** From the turn of one part to that of the next, in ms. */
const TURN = RATE_WINDOW / PARTS;

/** Not Date.now(): the wall clock jumps when it is set, forwards into a free refill and backwards into a lockout. */
function monotonic(): number {
  return Math.floor(performance.now());
}

/**
 * Counts what each key family uses, in this process' memory. All of it is synchronous: between looking and taking there
 * is no await in which a parallel request could look too.
 *
 * Histories go within a minute after they have ceased to count. A part at a time is copied without the idle, so that
 * memory is given back whole, and that neither a request nor the timer ever pays for a sweep over a million keys.
 */
export class Limiter implements Limits {
  readonly #clock: () => number;
  readonly #limitsOf: (tier: Tier) => TierLimits;
  #parts = noParts();
  #now: number;
  /** The part that had the latest turn, and when that was due. */
  #part = 0;
  #turnedAt: number;
  /** Requests give the parts their turns as well; the timer is for a process that has none any more. */
  readonly #timer: NodeJS.Timeout;

  constructor(options: LimiterOptions = {}) {
    this.#clock = options.clock ?? monotonic;
    this.#limitsOf = options.limitsOf ?? publishedLimits;
    this.#now = this.#clock();
    this.#turnedAt = this.#now;
    this.#timer = setInterval(() => this.#present(), TURN).unref();
  }

  /** Takes `cost` units of the family if its tier allows it now. @throws RangeError unless cost is an integer >= 1. */
  admit(subject: Subject, cost = 1): Admission {
    // NaN would pass every comparison below, and a negative cost would give units back.
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`The cost must be an integer >= 1, not ${cost}`);
    const limits = this.#limitsOf(subject.tier);
    const { rate, burst } = limits;
    const limit = Math.min(rate, burst);
    if (cost > limit) return { outcome: 'never', limits, room: this.peek(subject), limit };

    const now = this.#present();
    const { family } = subject;
    const windows = (this.#parts[partOf(family)] ??= new Windows());
    let row = windows.find(family, now);
    if (row < 0) row = windows.add(family, now);
    const rateWait = windows.rateWait(row, cost, rate);
    const burstWait = windows.burstWait(row, cost, burst);
    if (rateWait === 0 && burstWait === 0) {
      windows.take(row, cost);
      return { outcome: 'admitted', limits, room: windows.room(row, rate, burst) };
    }
    const room = windows.room(row, rate, burst);
    return rateWait >= burstWait
      ? { outcome: 'refused', limits, room, window: 'rate', limit: rate, retryAfterMs: rateWait }
      : { outcome: 'refused', limits, room, window: 'burst', limit: burst, retryAfterMs: burstWait };
  }

  /** What the family has left. Takes nothing and remembers nothing. */
  peek(subject: Subject): Room {
    const now = this.#present();
    const { rate, burst } = this.#limitsOf(subject.tier);
    const windows = this.#parts[partOf(subject.family)] ?? null;
    const row = windows?.find(subject.family, now) ?? -1;
    if (windows !== null && row >= 0) return windows.room(row, rate, burst);
    return {
      rate: { limit: rate, remaining: rate, returnsInMs: null },
      burst: { limit: burst, remaining: burst, returnsInMs: null },
    };
  }

  /** Families whose history is held. */
  get size(): number {
    return this.#parts.reduce((sum, windows) => sum + (windows?.size ?? 0), 0);
  }

  /** Bytes of the arrays that hold the histories, without the engine's tables of names. See `Windows`. */
  get bytes(): number {
    return this.#parts.reduce((sum, windows) => sum + (windows?.bytes ?? 0), 0);
  }

  /** Stops the timer and forgets everything. Idempotent; the process ends without it too. */
  close(): void {
    clearInterval(this.#timer);
    this.#parts = noParts();
  }

  /** The present, with every part's turn that is due by then. */
  #present(): number {
    const now = Math.max(this.#clock(), this.#now);
    // After a minute without a call nothing counts any more, and there would be no end of turns to catch up with.
    if (now - this.#now >= RATE_WINDOW) {
      this.#parts = noParts();
      this.#turnedAt = now;
    }
    this.#now = now;
    for (; now - this.#turnedAt >= TURN; this.#turnedAt += TURN) {
      this.#part = (this.#part + 1) % PARTS;
      this.#parts[this.#part] = this.#parts[this.#part]?.living(now) ?? null;
    }
    return now;
  }
}

function noParts(): (Windows | null)[] {
  return Array.from({ length: PARTS }, () => null);
}

/** FNV-1a over the whole name: an application may number its families, or let their names differ in one place alone. */
function partOf(family: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < family.length; index += 1) {
    hash = Math.imul(hash ^ family.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % PARTS;
}
