import { performance } from 'node:perf_hooks';
import { checkedClock } from './checkedClock.js';
import { categoryLimits, highest, longest, lowest } from './bounds.js';
import { CATEGORIES, type Category } from './category.js';
import { History, NO_WAIT } from './history.js';
import type { Admission, CategoryRoom, Limits, Subject } from './limits.js';
import { checkNames, optionError } from '../../shared/optionChecks.js';
import { checkTierTable, TIER_LIMITS, type TierTable, type WindowLimits } from './tiers.js';
import { RATE_WINDOW, type Room } from './window.js';
import { Windows } from './windows.js';

export interface LimiterOptions {
  /**
   * A clock in ms that never goes backwards. An earlier time is treated as the latest one.
   *
   * @default ms since the process started
   */
  readonly clock?: () => number;
  /** @default the published limits */
  readonly tiers?: TierTable;
}

/** A batch of families whose units still count at `now`. */
export interface Held {
  readonly now: number;
  readonly category: Category | undefined;
  readonly families: readonly (readonly [family: string, ages: readonly number[]])[];
}

/**
 * The number of parts that the families are distributed to. Each part is cleaned up once a minute. With a million
 * families this delays requests by a few milliseconds. Each part takes a kilobyte itself.
 */
const PARTS = 240;
/** The time between the cleanups of two parts, in ms. */
const TURN = RATE_WINDOW / PARTS;

type Parts = (Windows | null)[];

/**
 * Date.now() would jump when the clock is set: forwards it would reset the limits, backwards it would lock callers out.
 */
function monotonic(): number {
  return performance.now();
}

/**
 * Counts the usage of key families in the memory of this process. All of it is synchronous: without an await between
 * the check and the update, a parallel request cannot pass the same check.
 *
 * Unused entries are removed within a minute after they stop counting. One part at a time is copied without them, so
 * that the memory is released and neither a request nor the timer has to go through a million keys at once.
 *
 * @example
 * ```ts
 * import { createLatchkey, Limiter, openSqliteStore, tierTable } from 'latchkey';
 *
 * const limits = new Limiter({ tiers: tierTable({ GROWTH: { rate: 1_000 } }) });
 * export const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }), limits });
 * ```
 */
export class Limiter implements Limits {
  readonly tiers: TierTable;
  readonly #clock: () => number;
  #parts = noParts();
  /** The same for the operations of each category that was used. */
  #ofCategory: Partial<Record<Category, Parts>> = {};
  #now: number;
  /** The last part that was cleaned up, and when that was due. */
  #part = 0;
  #turnedAt: number;
  /** Requests clean up parts too. The timer is for a process without requests. */
  readonly #timer: NodeJS.Timeout;

  /** @throws TypeError that names the invalid option */
  constructor(options: LimiterOptions = {}) {
    checkLimiterOptions(options);
    const { clock = monotonic, tiers = TIER_LIMITS } = options;
    this.tiers = tiers;
    this.#clock = clock === monotonic ? clock : checkedClock('Limiter: clock', clock);
    this.#now = this.#clock();
    this.#turnedAt = this.#now;
    this.#timer = setInterval(() => this.#cleanUp(), TURN).unref();
  }

  admit(subject: Subject, cost = 1): Admission {
    // NaN would pass every comparison below, and a negative cost would add units.
    if (!Number.isSafeInteger(cost) || cost < 1)
      throw new RangeError(`The cost must be an integer of at least 1, not ${cost}`);
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
    // All windows are checked before anything is taken, so that a rejection by one takes nothing from another.
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

  /** Counts usage that was admitted elsewhere, regardless of the limits. */
  note({ family, tier, category }: Subject, cost: number): void {
    const limits = this.tiers[tier];
    const now = this.#present();
    this.#history(this.#parts, family, limits, now).take(cost);
    const ofCategory = categoryLimits(limits, category);
    if (ofCategory && category) this.#history(this.#partsOf(category), family, ofCategory, now).take(cost);
  }

  /**
   * Yields all usage that still counts, in batches: families, and their usage by category, with the ages of the units
   * in ms.
   */
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

  /** Returns what is left, without counting or storing anything. */
  peek(subject: Subject): Room {
    const limits = this.tiers[subject.tier];
    const now = this.#present();
    const { family, category } = subject;
    const ofCategory = categoryLimits(limits, category);
    if (category === undefined || ofCategory === undefined) return this.#history(this.#parts, family, limits, now).room;
    return this.#history(this.#partsOf(category), family, ofCategory, now).room;
  }

  /** The number of stored entries: one for each family, and one for each of its categories. */
  get size(): number {
    return this.#sum((windows) => windows.size);
  }

  /** The size of the arrays with the usage, in bytes, without the engine's tables of names: see `Windows`. */
  get bytes(): number {
    return this.#sum((windows) => windows.bytes);
  }

  /** Stops the timer and deletes all usage. Can be called more than once. The process can exit without it. */
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

  /** @param now from `#present`. Call that once per request, because a cleanup may replace the parts. */
  #history(parts: Parts, family: string, limits: WindowLimits, now: number): History {
    const windows = (parts[partOf(family)] ??= new Windows());
    return new History(windows, family, now, limits);
  }

  #cleanUp(): void {
    try {
      this.#present();
    } catch {
      // The clock of a user fails. The next request is refused because of it, and reports it.
    }
  }

  /** Returns the current time, after cleaning up every part that is due. */
  #present(): number {
    const now = Math.max(this.#clock(), this.#now);
    // After a minute without a call, nothing counts any more. Cleaning up part by part would take a long time to catch
    // up.
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
    throw optionError('Limiter: tiers', options.tiers, `a table from tierTable({ … }).${reason}`);
  }
}

function noParts(): Parts {
  return Array.from({ length: PARTS }, () => null);
}

function roomOf(category: Category | undefined, history: History | undefined): CategoryRoom | undefined {
  return category === undefined || history === undefined ? undefined : { category, ...history.room };
}

/** FNV-1a over the whole name, because an application may number its families or let names differ in one character. */
function partOf(family: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < family.length; index += 1) {
    hash = Math.imul(hash ^ family.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % PARTS;
}
