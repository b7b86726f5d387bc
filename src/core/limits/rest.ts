import { categoryLimits, highest } from './bounds.js';
import type { Subject } from './limits.js';
import type { TierLimits } from './tiers.js';

/**
 * Returns the remaining cost to count after one request was counted on arrival. It is the whole cost if the
 * tier limits the operation's category, which was unknown on arrival, and if the cost exceeds a limit.
 */
export function restOf(
  limits: TierLimits,
  { category, shared }: Pick<Subject, 'category' | 'shared'>,
  cost: number,
): number {
  const ofCategory = categoryLimits(limits, category);
  return ofCategory !== undefined || cost > highest(limits, ofCategory, shared) ? cost : cost - 1;
}
