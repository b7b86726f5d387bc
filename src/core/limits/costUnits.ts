import type { Subject } from './limits.js';
import type { TierLimits } from './tiers.js';

/** More than any window has. */
const MOST_UNITS = 2 ** 31;

/**
 * Returns the cost units that a request takes from the cost windows of its key, and from its quotas and credits in cost units.
 *
 * @param units its cost; null if limits in cost units don't apply
 */
export function unitsIn({ cost }: TierLimits, { meters }: Pick<Subject, 'meters'>, units: number | null): number {
  if (units === null || (cost === null && meters === undefined)) return 0;
  return Math.min(units, MOST_UNITS);
}
