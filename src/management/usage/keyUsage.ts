import { formatMoment } from '../../shared/dates/moments.js';
import { badInput } from '../../core/errors/refusal.js';
import { DAY, HOUR, startOf, USAGE_PERIODS, type UsagePeriod } from '../../core/store/periods.js';
import type { UsageRecord } from '../../core/store/records.js';
import type { UsageSpan } from '../../core/store/usageStore.js';

/** The number of periods in one series: a day of minutes, two months of hours, or all stored days. */
export const MAX_SERIES = 1_500;

/** The number of periods if no start is given. */
const USUAL = 24;

const WORDS = {
  MINUTE: { many: 'minutes', kept: `${USAGE_PERIODS.MINUTE.kept / HOUR} hours` },
  HOUR: { many: 'hours', kept: `${USAGE_PERIODS.HOUR.kept / DAY} days` },
  DAY: { many: 'days', kept: `${USAGE_PERIODS.DAY.kept / DAY} days` },
} as const;

/** The usage of a key in one period. */
export type KeyUsage = Omit<UsageRecord, 'keyId'>;

/** The arguments of a series: moments in ms since the epoch; null if omitted. */
export interface Asked {
  readonly from: number | null;
  readonly to: number | null;
  readonly by: UsagePeriod;
}

/**
 * Returns the periods from the one that includes `from` to the last that starts before `to`, and at most to the current
 * one.
 *
 * @throws {@link Refusal} BAD_USER_INPUT
 */
export function spanOf({ from, to, by }: Asked, now: number): UsageSpan {
  const { length, kept } = USAGE_PERIODS[by];
  const { many } = WORDS[by];
  const current = startOf(now, by) + length;
  const end = to === null ? current : Math.min(Math.ceil(to / length) * length, current);
  const asked = from === null ? end - USUAL * length : startOf(from, by);
  // A period at the end of its retention may already be deleted, so the series starts after it.
  const oldest = startOf(now - kept, by) + length;
  if (asked < oldest - length && from !== null) {
    throw badInput(
      ['from'],
      `Usage by ${by} is kept for ${WORDS[by].kept}. Set from to ${formatMoment(oldest)} or later, or use a longer period.`,
    );
  }
  const begin = Math.max(asked, oldest);
  if (begin >= end) {
    throw badInput(
      ['to'],
      `There is no ${by} between from and to that has started and is still kept. Set from before to and before now.`,
    );
  }
  const periods = (end - begin) / length;
  if (periods > MAX_SERIES) {
    throw badInput(
      ['from'],
      `From and to are ${periods} ${many} apart, and a response has at most ${MAX_SERIES}. Request fewer, or use a longer period.`,
    );
  }
  return { from: begin, to: end, by };
}

/**
 * Returns every period of the range, oldest first, with zeros if the key has no row.
 *
 * @param rows the rows of this key only
 */
export function series({ from, to, by }: UsageSpan, rows: readonly UsageRecord[]): KeyUsage[] {
  const known = new Map(rows.map((row) => [row.start, row]));
  const { length } = USAGE_PERIODS[by];
  return Array.from({ length: (to - from) / length }, (_, i) => {
    const start = from + i * length;
    const { requests = 0, cost = 0, limited = 0, forbidden = 0 } = known.get(start) ?? {};
    return { start, requests, cost, limited, forbidden };
  });
}
