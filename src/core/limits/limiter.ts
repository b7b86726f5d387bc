import { performance } from 'node:perf_hooks';
import { checkedClock } from './checkedClock.js';
import {
  categoryLimits,
  checkAmounts,
  countedIn,
  exceeded,
  limitsOf,
  longest,
  lowest,
  NO_WAIT,
  type Counted,
} from './bounds.js';
import { CATEGORIES, type Category } from './category.js';
import { CostWindows } from './costWindows.js';
import { History } from './history.js';
import type { Admission, CostTaken, Judged, Limits, Subject, Unit } from './limits.js';
import { roomsOf, UNLIMITED } from './rooms.js';
import { checkNames, optionError } from '../../shared/optionChecks.js';
import { checkTierTable } from './tierTable.js';
import { TIER_LIMITS, type TierLimits, type TierTable, type WindowLimits } from './tiers.js';
import { RATE_WINDOW, type Room } from './window.js';
import type { FamilyWindows } from './familyTable.js';
import { Windows } from './windows.js';

interface LimiterOptions {
  /**
   * A clock in ms that never goes backwards. An earlier time is treated as the latest one.
   *
   * @default ms since the process started
   */
  readonly clock?: () => number;
  /** @default the published limits */
  readonly tiers?: TierTable;
}

/** A batch of families, or of other names of windows, whose units still count at `now`. */
export interface Held {
  readonly now: number;
  readonly category: Category | undefined;
  readonly unit: Unit;
  /** The units of each: pairs of an age in ms and a number. */
  readonly families: readonly (readonly [family: string, units: readonly number[]])[];
}

/**
 * The number of partitions that the families are distributed across. Each part is cleaned up once a minute. With a million
 * families this delays requests by a few milliseconds. Each part takes a kilobyte itself.
 */
const PARTS = 240;
/** The time between the cleanups of two parts, in ms. */
const TURN = RATE_WINDOW / PARTS;

type Parts = (Windows | null)[];

/**
 * Date.now() jumps when the clock is set: a jump forward would reset the limits, and a jump back would lock callers out.
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
  /** The cost units; undefined if none were taken. */
  #costs: (CostWindows | null)[] | undefined;
  #now: number;
  /** The last part that was cleaned up, and when that was due. */
  #part = 0;
  #turnedAt: number;
  /** Requests clean up parts too. The timer is needed if the process gets no requests. */
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

  admit(subject: Subject, requests = 1, cost = 0): Admission {
    checkAmounts(requests, cost);
    const limits = limitsOf(subject, this.tiers);
    const now = this.#present();
    if (
      subject.shared !== undefined ||
      limits.cost !== null ||
      categoryLimits(limits, subject.category) !== undefined
    ) {
      return this.#admitAll(countedIn(subject, limits, requests, cost), limits, now);
    }
    // Most keys have no other windows, and a list with one pair of windows would take as much time as the counting itself.
    const own = this.#history(this.#parts, subject.family, limits, now);
    if (requests > limits.rate || requests > limits.burst) {
      return { outcome: 'never', limits, room: own.room, ...lowest(limits) };
    }
    const { rate, burst } = requests > 0 ? own.waits(requests) : NO_WAIT;
    if (rate > 0 || burst > 0) {
      const window = rate >= burst ? 'rate' : 'burst';
      const retryAfterMs = Math.max(rate, burst);
      return { outcome: 'refused', limits, room: own.room, window, limit: limits[window], retryAfterMs };
    }
    if (requests > 0) own.take(requests);
    return { outcome: 'admitted', limits, room: own.room };
  }

  /** All windows are checked before anything is taken, so that a rejection by one takes nothing from another. */
  #admitAll(counted: readonly Counted[], limits: TierLimits, now: number): Admission {
    const histories = counted.map((each) => this.#historyOf(each, now));
    const judged = (): Judged => ({ limits, ...roomsOf(counted, (i) => histories[i]?.room) });
    const never = exceeded(counted);
    if (never !== null) return { outcome: 'never', ...judged(), ...never };
    const waits = counted.map(({ amount }, i) => (amount === 0 ? NO_WAIT : (histories[i]?.waits(amount) ?? NO_WAIT)));
    if (waits.some(({ rate, burst }) => rate > 0 || burst > 0)) {
      return { outcome: 'refused', ...judged(), ...longest(counted, waits) };
    }
    const costTaken = this.#takeAll(counted, histories);
    return costTaken === null ? { outcome: 'admitted', ...judged() } : { outcome: 'admitted', costTaken, ...judged() };
  }

  #takeAll(counted: readonly Counted[], histories: readonly History[]): CostTaken | null {
    let costTaken: CostTaken | null = null;
    counted.forEach(({ name, of, amount }, i) => {
      if (amount === 0) return;
      const at = histories[i]?.take(amount);
      if (of === 'cost' && at !== undefined) costTaken = { name, at, cost: amount };
    });
    return costTaken;
  }

  /**
   * Counts usage that was admitted elsewhere, regardless of the limits.
   *
   * @returns the cost units that it took; null if none
   */
  note(subject: Subject, requests: number, cost = 0): CostTaken | null {
    const limits = limitsOf(subject, this.tiers);
    const now = this.#present();
    const counted = countedIn(subject, limits, requests, cost);
    return this.#takeAll(
      counted,
      counted.map((each) => this.#historyOf(each, now)),
    );
  }

  giveBack(admission: Admission, cost: number): void {
    if (admission.outcome === 'admitted' && admission.costTaken !== undefined) {
      this.giveCostBack(admission.costTaken, cost);
    }
  }

  /** Gives back cost units, at most those that were taken. */
  giveCostBack({ name, at, cost: taken }: CostTaken, cost: number): void {
    checkAmounts(0, cost);
    const windows = this.#costs?.[partOf(name)] ?? null;
    const row = windows?.find(name, this.#present()) ?? -1;
    if (row >= 0) windows?.giveBack(row, at, Math.min(taken, cost));
  }

  /** Yields all usage that still counts, in batches. */
  *held(): Generator<Held> {
    for (const category of [undefined, ...CATEGORIES]) {
      yield* this.#heldIn(category === undefined ? this.#parts : this.#ofCategory[category], {
        category,
        unit: 'requests',
      });
    }
    yield* this.#heldIn(this.#costs, { category: undefined, unit: 'cost' });
  }

  *#heldIn(parts: readonly (FamilyWindows | null)[] | undefined, of: Pick<Held, 'category' | 'unit'>): Generator<Held> {
    for (let part = 0; parts !== undefined && part < PARTS; part += 1) {
      const now = this.#present();
      const families = parts[part]?.held(now) ?? [];
      if (families.length > 0) yield { now, ...of, families };
    }
  }

  /**
   * Returns whether the windows of a key certainly have room for a request. Takes less time than {@link peek}, and doesn't read the clock.
   * false: {@link peek} knows.
   */
  hasRoom(subject: Subject): boolean {
    const { rate, burst } = limitsOf(subject, this.tiers);
    const windows = this.#parts[partOf(subject.family)] ?? null;
    return windows === null ? rate > 0 && burst > 0 : windows.hasRoom(subject.family, rate, burst);
  }

  /** Returns the remaining units, without counting or storing anything. */
  peek(subject: Subject, unit: Unit = 'requests'): Room {
    const limits = limitsOf(subject, this.tiers);
    const now = this.#present();
    const { family, category } = subject;
    if (unit === 'cost') {
      const { rate, burst } = limits.cost ?? UNLIMITED;
      return this.#historyOf({ name: family, of: 'cost', limits: { rate, burst }, amount: 0 }, now).room;
    }
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

  get #all(): readonly (FamilyWindows | null)[][] {
    const all: (FamilyWindows | null)[][] = [this.#parts, ...Object.values(this.#ofCategory)];
    return this.#costs === undefined ? all : [...all, this.#costs];
  }

  #forget(): void {
    this.#parts = noParts();
    this.#ofCategory = {};
    this.#costs = undefined;
  }

  #sum(of: (windows: FamilyWindows) => number): number {
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

  #historyOf({ name, category, of, limits }: Counted, now: number): History {
    if (of === 'cost') {
      const windows = ((this.#costs ??= noParts<CostWindows>())[partOf(name)] ??= new CostWindows());
      return new History(windows, name, now, limits);
    }
    return this.#history(category === undefined ? this.#parts : this.#partsOf(category), name, limits, now);
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

function noParts<Stored = Windows>(): (Stored | null)[] {
  return Array.from({ length: PARTS }, () => null);
}

/** FNV-1a over the whole name, because an application may number its families or let names differ in one character. */
function partOf(family: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < family.length; index += 1) {
    hash = Math.imul(hash ^ family.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % PARTS;
}
