import { categoryLimits, highest } from './bounds.js';
import type { Category } from './category.js';
import type { TierLimits } from './tiers.js';

/**
 * Returns what is left to count of an operation after one request was counted as it arrived. Where the tier limits the
 * operation's category, the whole cost is, since nobody knew the category before. A cost that can never pass stays whole.
 */
export function restOf(limits: TierLimits, category: Category, cost: number): number {
  const ofCategory = categoryLimits(limits, category);
  return ofCategory !== undefined || cost > highest(limits, ofCategory) ? cost : cost - 1;
}
