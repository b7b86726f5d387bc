import type { Category } from './category.js';
import type { Bound } from './limits.js';
import type { TierLimits, WindowLimits } from './tiers.js';

/** Milliseconds until a cost fits into each of two windows; 0: it fits now. */
export interface Waits {
  readonly rate: number;
  readonly burst: number;
}

/** The limits that an operation of the category has besides the tier's own. */
export function categoryLimits({ categories }: TierLimits, category: Category | undefined): WindowLimits | undefined {
  return category === undefined ? undefined : categories[category];
}

/** The highest cost that can pass: what the window allows that allows least. */
export function highest({ rate, burst }: TierLimits, ofCategory: WindowLimits | undefined): number {
  const own = Math.min(rate, burst);
  return ofCategory === undefined ? own : Math.min(own, ofCategory.rate, ofCategory.burst);
}

/** The window that allows least: the tier's before the category's, its burst before its rate. */
export function lowest(limits: TierLimits, category?: Category): Bound {
  const own = lower(limits);
  const ofCategory = categoryLimits(limits, category);
  if (ofCategory === undefined || highest(limits, ofCategory) === own.limit) return own;
  return { ...lower(ofCategory), category };
}

function lower({ rate, burst }: WindowLimits): Bound {
  return burst <= rate ? { window: 'burst', limit: burst } : { window: 'rate', limit: rate };
}

/** The window with the longest wait: the tier's before the category's, the rate before the burst. */
export function longest(
  limits: TierLimits,
  waits: Waits,
  category?: Category,
  ofCategory: Waits = waits,
): Bound & { readonly retryAfterMs: number } {
  const own = longer(limits, waits);
  const its = categoryLimits(limits, category);
  if (its === undefined || Math.max(ofCategory.rate, ofCategory.burst) <= own.retryAfterMs) return own;
  return { ...longer(its, ofCategory), category };
}

function longer({ rate, burst }: WindowLimits, waits: Waits): Bound & { readonly retryAfterMs: number } {
  return waits.rate >= waits.burst
    ? { window: 'rate', limit: rate, retryAfterMs: waits.rate }
    : { window: 'burst', limit: burst, retryAfterMs: waits.burst };
}
