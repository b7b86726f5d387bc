import { formatMoment } from '../dates/moments.js';
import { badInput } from '../refusals/refusal.js';
import { DAY, HOUR, startOf, USAGE_PERIODS, type UsagePeriod } from '../store/periods.js';
import type { UsageRecord } from '../store/records.js';
import type { UsageSpan } from '../store/store.js';

/** Periods that one series may have: a day of minutes, two months of hours, or all days that are kept. */
export const MAX_SERIES = 1_500;

/** As many as are given where nobody says from when. */
const USUAL = 24;

const WORDS = {
  MINUTE: { many: 'minutes', kept: `${USAGE_PERIODS.MINUTE.kept / HOUR} hours` },
  HOUR: { many: 'hours', kept: `${USAGE_PERIODS.HOUR.kept / DAY} days` },
  DAY: { many: 'days', kept: `${USAGE_PERIODS.DAY.kept / DAY} days` },
} as const;

/** What a key asked for in one period. */
export type KeyUsage = Omit<UsageRecord, 'keyId'>;

/** What a series is asked for by: moments in ms since the epoch; null where it is not said. */
export interface Asked {
  readonly from: number | null;
  readonly to: number | null;
  readonly by: UsagePeriod;
}

/**
 * The periods from the one that holds `from` to the last that begins before `to`, which is the one under way at most.
 * @throws Refusal BAD_USER_INPUT
 */
export function spanOf({ from, to, by }: Asked, now: number): UsageSpan {
  const { length, kept } = USAGE_PERIODS[by];
  const { many } = WORDS[by];
  const current = startOf(now, by) + length;
  const end = to === null ? current : Math.min(Math.ceil(to / length) * length, current);
  const asked = from === null ? end - USUAL * length : startOf(from, by);
  // What began exactly as long ago as it is kept may be gone; who asks for that period is told of those after it.
  const oldest = startOf(now - kept, by) + length;
  if (asked < oldest - length && from !== null) {
    throw badInput(
      ['from'],
      `Use by ${by} is kept for ${WORDS[by].kept}: ask for it from ${formatMoment(oldest)} on, or by a longer period.`,
    );
  }
  const begin = Math.max(asked, oldest);
  if (begin >= end) {
    throw badInput(['to'], `No ${by} between from and to has begun and is kept. Put from before to and before now.`);
  }
  const periods = (end - begin) / length;
  if (periods > MAX_SERIES) {
    throw badInput(
      ['from'],
      `From and to are ${periods} ${many} apart, and one answer has at most ${MAX_SERIES}. Ask for less, or by a longer period.`,
    );
  }
  return { from: begin, to: end, by };
}

/** Every period of the span, oldest first, with zeros where the key has no row. @param rows of that key alone */
export function series({ from, to, by }: UsageSpan, rows: readonly UsageRecord[]): KeyUsage[] {
  const known = new Map(rows.map((row) => [row.start, row]));
  const { length } = USAGE_PERIODS[by];
  return Array.from({ length: (to - from) / length }, (_, i) => {
    const start = from + i * length;
    const { requests = 0, cost = 0, limited = 0, forbidden = 0 } = known.get(start) ?? {};
    return { start, requests, cost, limited, forbidden };
  });
}
