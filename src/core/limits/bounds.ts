import type { Category } from './category.js';
import type { Bound } from './limits.js';
import type { TierLimits, WindowLimits } from './tiers.js';

/** The time until a cost fits into each of the two windows, in ms; 0: it fits now. */
export interface Waits {
  readonly rate: number;
  readonly burst: number;
}

/** Returns the limits of a category, which apply in addition to those of the tier. */
export function categoryLimits({ categories }: TierLimits, category: Category | undefined): WindowLimits | undefined {
  return category === undefined ? undefined : categories[category];
}

/** Returns the highest cost that one operation can have: the lowest limit of all windows. */
export function highest({ rate, burst }: TierLimits, ofCategory: WindowLimits | undefined): number {
  const own = Math.min(rate, burst);
  return ofCategory === undefined ? own : Math.min(own, ofCategory.rate, ofCategory.burst);
}

/**
 * Returns the window with the lowest limit. Among equals, the tier comes before the category and its burst before its
 * rate.
 */
export function lowest(limits: TierLimits, category?: Category): Bound {
  const own = lower(limits);
  const ofCategory = categoryLimits(limits, category);
  if (ofCategory === undefined || highest(limits, ofCategory) === own.limit) return own;
  return { ...lower(ofCategory), category };
}

function lower({ rate, burst }: WindowLimits): Bound {
  return burst <= rate ? { window: 'burst', limit: burst } : { window: 'rate', limit: rate };
}

/**
 * Returns the window with the longest wait. Among equals, the tier comes before the category and the rate before the
 * burst.
 */
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
