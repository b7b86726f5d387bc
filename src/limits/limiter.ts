import { performance } from 'node:perf_hooks';
import { categoryLimits, highest, longest, lowest } from './bounds.js';
import { CATEGORIES, type Category } from './category.js';
import { History, NO_WAIT } from './history.js';
import type { Admission, CategoryRoom, Limits, Subject } from './limits.js';
import { checkNames, optionError } from '../options.js';
import { checkTierTable, TIER_LIMITS, type TierTable, type WindowLimits } from './tiers.js';
import { RATE_WINDOW, type Room } from './window.js';
import { Windows } from './windows.js';

export interface LimiterOptions {
  /** Integer ms that never run back; an earlier time counts as the latest one seen. Default: those since the process began. */
  readonly clock?: () => number;
  /** Default: the published table. */
  readonly tiers?: TierTable;
}

/** Some of the families whose units count at `now`. */
export interface Held {
  readonly now: number;
  readonly category: Category | undefined;
  readonly families: readonly (readonly [family: string, ages: readonly number[]])[];
}

/**
 * Parts that the families are dealt to. Each has a turn a minute, in which it is cleared of the idle. With a million
 * families a turn takes a few milliseconds, in which requests wait; each part itself takes a kilobyte.
 */
const PARTS = 240;
/** From the turn of one part to that of the next, in ms. */
const TURN = RATE_WINDOW / PARTS;

type Parts = (Windows | null)[];

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
  readonly tiers: TierTable;
  readonly #clock: () => number;
  #parts = noParts();
  /** The same for operations of each category, where one was counted. */
  #ofCategory: Partial<Record<Category, Parts>> = {};
  #now: number;
  /** The part that had the latest turn, and when that was due. */
  #part = 0;
  #turnedAt: number;
  /** Requests give the parts their turns as well; the timer is for a process that has none any more. */
  readonly #timer: NodeJS.Timeout;

  /** @throws TypeError that names the option at fault */
  constructor(options: LimiterOptions = {}) {
    checkLimiterOptions(options);
    const { clock = monotonic, tiers = TIER_LIMITS } = options;
    this.tiers = tiers;
    this.#clock = clock;
    this.#now = this.#clock();
    this.#turnedAt = this.#now;
    this.#timer = setInterval(() => this.#present(), TURN).unref();
  }

  admit(subject: Subject, cost = 1): Admission {
    // NaN would pass every comparison below, and a negative cost would give units back.
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`The cost must be an integer >= 1, not ${cost}`);
    const { category } = subject;
    const limits = this.tiers[subject.tier];
    const now = this.#present();
    const own = this.#history(this.#parts, subject.family, limits, now);
    const ofCategory = categoryLimits(limits, category);
    const its = ofCategory && category && this.#history(this.#partsOf(category), subject.family, ofCategory, now);
    if (cost > highest(limits, ofCategory)) {
      const bound = lowest(limits, category);
      return { outcome: 'never', limits, room: own.room, categoryRoom: roomOf(category, its), ...bound };
    }
    // Looked at whole before anything is taken: what one window refuses takes nothing from another.
    const waits = own.waits(cost);
    const itsWaits = its?.waits(cost) ?? NO_WAIT;
    if (waits.rate > 0 || waits.burst > 0 || itsWaits.rate > 0 || itsWaits.burst > 0) {
      const bound = longest(limits, waits, category, itsWaits);
      return { outcome: 'refused', limits, room: own.room, categoryRoom: roomOf(category, its), ...bound };
    }
    own.take(cost);
    its?.take(cost);
    return { outcome: 'admitted', limits, room: own.room, categoryRoom: roomOf(category, its) };
  }

  /** Counts what was admitted elsewhere, whatever the limits. */
  note({ family, tier, category }: Subject, cost: number): void {
    const limits = this.tiers[tier];
    const now = this.#present();
    this.#history(this.#parts, family, limits, now).take(cost);
    const ofCategory = categoryLimits(limits, category);
    if (ofCategory && category) this.#history(this.#partsOf(category), family, ofCategory, now).take(cost);
  }

  /** Yields what counts now, in portions: families, and what of them was counted in a category, with the ages of units in ms. */
  *held(): Generator<Held> {
    for (const category of [undefined, ...CATEGORIES]) {
      const parts = category === undefined ? this.#parts : this.#ofCategory[category];
      for (let part = 0; parts !== undefined && part < PARTS; part += 1) {
        const now = this.#present();
        const families = parts[part]?.held(now) ?? [];
        if (families.length > 0) yield { now, category, families };
      }
    }
  }

  /** Takes nothing and remembers nothing. */
  peek(subject: Subject): Room {
    const limits = this.tiers[subject.tier];
    const now = this.#present();
    const { family, category } = subject;
    const ofCategory = categoryLimits(limits, category);
    if (category === undefined || ofCategory === undefined) return this.#history(this.#parts, family, limits, now).room;
    return this.#history(this.#partsOf(category), family, ofCategory, now).room;
  }

  /** Histories held: of families, and of their categories. */
  get size(): number {
    return this.#sum((windows) => windows.size);
  }

  /** Bytes of the arrays that hold the histories, without the engine's tables of names. See `Windows`. */
  get bytes(): number {
    return this.#sum((windows) => windows.bytes);
  }

  /** Stops the timer and forgets everything. Idempotent; the process ends without it too. */
  close(): void {
    clearInterval(this.#timer);
    this.#forget();
  }

  get #all(): readonly Parts[] {
    return [this.#parts, ...Object.values(this.#ofCategory)];
  }

  #forget(): void {
    this.#parts = noParts();
    this.#ofCategory = {};
  }

  #sum(of: (windows: Windows) => number): number {
    let sum = 0;
    for (const parts of this.#all) for (const windows of parts) if (windows !== null) sum += of(windows);
    return sum;
  }

  #partsOf(category: Category): Parts {
    return (this.#ofCategory[category] ??= noParts());
  }

  /** @param now as `#present` gives it: one call serves all histories of a request, for a turn may replace their parts */
  #history(parts: Parts, family: string, limits: WindowLimits, now: number): History {
    const windows = (parts[partOf(family)] ??= new Windows());
    return new History(windows, family, now, limits);
  }

  /** The present, with every part's turn that is due by then. */
  #present(): number {
    const now = Math.max(this.#clock(), this.#now);
    // After a minute without a call nothing counts any more, and there would be no end of turns to catch up with.
    if (now - this.#now >= RATE_WINDOW) {
      this.#forget();
      this.#turnedAt = now;
    }
    this.#now = now;
    for (; now - this.#turnedAt >= TURN; this.#turnedAt += TURN) {
      this.#part = (this.#part + 1) % PARTS;
      for (const parts of this.#all) parts[this.#part] = parts[this.#part]?.living(now) ?? null;
    }
    return now;
  }
}

function checkLimiterOptions(options: LimiterOptions): void {
  checkNames('Limiter', options, ['clock', 'tiers']);
  if (options.clock !== undefined && typeof options.clock !== 'function') {
    throw optionError('Limiter: clock', options.clock, 'a function');
  }
  if (options.tiers === undefined) return;
  try {
    checkTierTable(options.tiers);
  } catch (error) {
    const reason = error instanceof Error ? ` ${error.message}` : '';
    throw optionError('Limiter: tiers', options.tiers, `what tierTable({ … }) returns.${reason}`);
  }
}

function noParts(): Parts {
  return Array.from({ length: PARTS }, () => null);
}

function roomOf(category: Category | undefined, history: History | undefined): CategoryRoom | undefined {
  return category === undefined || history === undefined ? undefined : { category, ...history.room };
}

/** FNV-1a over the whole name: an application may number its families, or let their names differ in one place alone. */
function partOf(family: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < family.length; index += 1) {
    hash = Math.imul(hash ^ family.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % PARTS;
}
