import type { QuotaWindow, Refill } from './quota.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A period of a quota, in ms since the epoch. */
interface Period {
  readonly start: number;
  /** The start of the next period. */
  readonly end: number;
}

/**
 * Returns the period that contains a time, in UTC, so that no period depends on daylight saving time.
 *
 * @param anchorDay the day on which months begin, 1 to 31; in a shorter month, its last day. Each month is clamped by
 * itself: after 28 February, a period with anchor 31 begins on 31 March
 */
export function periodOf(window: QuotaWindow, at: number, anchorDay = 1): Period {
  if (window !== 'month') {
    const length = window === 'hour' ? HOUR : DAY;
    const start = Math.floor(at / length) * length;
    return { start, end: start + length };
  }
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const inThis = anchorIn(year, month, anchorDay);
  return at < inThis
    ? { start: anchorIn(year, month - 1, anchorDay), end: inThis }
    : { start: inThis, end: anchorIn(year, month + 1, anchorDay) };
}

/** Returns midnight of the anchor day in a month. @param month may be -1 or 12, in the year before or after */
function anchorIn(year: number, month: number, anchorDay: number): number {
  // Day 0 of the next month is the last day of this one.
  const days = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(anchorDay, days));
}

/** Returns the refill that is due in the current period. */
export function dueRefill(
  { amount, every, anchorDay }: Refill,
  now: number,
): { readonly amount: number; readonly at: number } {
  return { amount, at: periodOf(every, now, anchorDay).start };
}
