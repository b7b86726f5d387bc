import type { Category } from './category.js';
import type { Bound, Subject, WindowsOf } from './limits.js';
import { rowOf, type LimitedAs, type TierLimits, type TierTable, type WindowLimits } from './tiers.js';
import type { WindowName } from './window.js';

/** The time until an amount fits into each of the two windows, in ms; 0 if it fits now. */
export interface Waits {
  readonly rate: number;
  readonly burst: number;
}

/** A pair of windows that an admission is counted in, and what it takes from both. */
export interface Counted {
  /** The name of the windows: the family, or the name of shared windows. */
  readonly name: string;
  readonly category?: Category | undefined;
  readonly of?: WindowsOf | undefined;
  readonly limits: WindowLimits;
  /** Requests, or cost units in the windows of the cost. */
  readonly amount: number;
}

/** Returns the limits of a category, which apply in addition to those of the tier. */
export function categoryLimits({ categories }: TierLimits, category: Category | undefined): WindowLimits | undefined {
  return category === undefined ? undefined : categories[category];
}

/** Returns the limits of a subject: those of its key, or of its tier. */
export function limitsOf(
  { limits, tier }: { limits?: TierLimits | undefined; tier: LimitedAs },
  tiers: TierTable,
): TierLimits {
  return limits ?? rowOf(tiers, tier);
}

/** Returns all pairs of windows that an admission is counted in. The order decides if limits and waits are equal. */
export function countedIn(subject: Subject, limits: TierLimits, requests: number, cost: number): Counted[] {
  const { family: name, category, shared } = subject;
  const counted: Counted[] = [{ name, limits, amount: requests }];
  const ofCategory = categoryLimits(limits, category);
  if (ofCategory !== undefined) counted.push({ name, category, limits: ofCategory, amount: requests });
  if (shared !== undefined) {
    for (const windows of shared) {
      counted.push({ name: windows.name, of: windows.of, limits: windows, amount: requests });
    }
  }
  if (limits.cost !== null) counted.push({ name, of: 'cost', limits: limits.cost, amount: cost });
  return counted;
}

/** Returns the highest cost in requests that one operation can have: the lowest limit of all windows. */
export function highest(
  { rate, burst }: WindowLimits,
  ofCategory: WindowLimits | undefined,
  shared: Subject['shared'] = [],
): number {
  let most = Math.min(rate, burst);
  if (ofCategory !== undefined) most = Math.min(most, ofCategory.rate, ofCategory.burst);
  for (const windows of shared) most = Math.min(most, windows.rate, windows.burst);
  return most;
}

/**
 * Returns the window with the lowest limit. Among equals, the tier comes before the category and its burst before its
 * rate.
 */
export function lowest(limits: TierLimits): Bound {
  const { rate, burst } = limits;
  return burst <= rate ? { window: 'burst', limit: burst } : { window: 'rate', limit: rate };
}

/**
 * Returns the window that an amount exceeds even if nothing is used; null if there is none. If there are several, it is the one with the
 * lowest limit, and the cost comes last.
 */
export function exceeded(counted: readonly Counted[]): Bound | null {
  let least: Bound | null = null;
  for (const { limits, amount, ...of } of counted) {
    if (of.of === 'cost' && least !== null) continue;
    for (const window of BURST_FIRST) {
      const limit = limits[window];
      if (amount > limit && (least === null || limit < least.limit)) least = boundOf(window, limit, of);
    }
  }
  return least;
}

const BURST_FIRST: readonly WindowName[] = ['burst', 'rate'];

/** Returns the window with the longest wait. Among equals, the rate comes before the burst. */
export function longest(
  counted: readonly Counted[],
  waits: readonly Waits[],
): Bound & { readonly retryAfterMs: number } {
  let first = 0;
  let retryAfterMs = -1;
  for (let i = 0; i < counted.length; i += 1) {
    const { rate, burst } = waits[i] ?? NO_WAIT;
    const wait = Math.max(rate, burst);
    if (wait > retryAfterMs) [first, retryAfterMs] = [i, wait];
  }
  const { rate, burst } = waits[first] ?? NO_WAIT;
  const window = rate >= burst ? 'rate' : 'burst';
  const bound = counted[first] ?? NO_WINDOWS;
  return { retryAfterMs, ...boundOf(window, bound.limits[window], bound) };
}

export const NO_WAIT: Waits = Object.freeze({ rate: 0, burst: 0 });
/** For the type checker only: there is always a window. */
const NO_WINDOWS: Counted = { name: '', limits: { rate: 0, burst: 0 }, amount: 0 };

function boundOf(window: WindowName, limit: number, { category, of }: Pick<Counted, 'category' | 'of'>): Bound {
  return {
    window,
    limit,
    ...(category !== undefined && { category }),
    ...(of !== undefined && { of }),
  };
}

/**
 * Checks the amounts of an admission.
 *
 * @throws RangeError unless both are integers of at least 0, and one is at least 1
 */
export function checkAmounts(requests: number, cost: number): void {
  // NaN would pass every comparison with a limit, and a negative amount would add units.
  if (Number.isSafeInteger(requests) && requests >= 1 && cost === 0) return;
  const isAmount = (amount: number): boolean => Number.isSafeInteger(amount) && amount >= 0;
  if (!isAmount(cost)) throw new RangeError(`The cost units must be an integer of at least 0, not ${cost}`);
  if (!isAmount(requests) || requests + cost === 0) {
    throw new RangeError(`The cost must be an integer of at least 1, not ${requests}`);
  }
}
