import type { QuotaUnit, QuotaWindow } from '../generated/graphql.js';
import { count } from '../parts/words.js';

/** A quota of a tier or of an override. */
interface TierQuota {
  readonly window: QuotaWindow;
  readonly unit: QuotaUnit;
  readonly limit: number | null;
  readonly anchorDay: number | null;
}

interface Refill {
  readonly amount: number;
  readonly every: QuotaWindow;
  readonly anchorDay: number | null;
}

export function unitsOf(unit: QuotaUnit): string {
  return unit === 'COST' ? 'cost units' : 'requests';
}

/** Returns a quota as text: `100,000 requests per month, from day 15`. */
export function quotaText({ window, unit, limit, anchorDay }: TierQuota): string {
  const amount = limit === null ? `unlimited ${unitsOf(unit)}` : `${count(limit)} ${unitsOf(unit)}`;
  return `${amount} per ${window.toLowerCase()}${fromDay(anchorDay)}`;
}

/** Returns a refill as text: `Raised to 1,000 every month`. */
export function refillText({ amount, every, anchorDay }: Refill): string {
  return `Raised to ${count(amount)} every ${every.toLowerCase()}${fromDay(anchorDay)}`;
}

/** Months begin on the first day unless the tier says otherwise. */
function fromDay(anchorDay: number | null): string {
  return anchorDay === null || anchorDay === 1 ? '' : `, from day ${anchorDay}`;
}
