import { badInput } from '../refusals/refusal.js';
import type { UsageRecord } from '../store/records.js';
import type { UsageSpan } from '../store/store.js';
import { HOUR } from './tallies.js';

export type UsagePeriod = 'HOUR' | 'DAY';

/** How long a period is, in ms, and how many of them may be asked for: all lie within what is kept. */
const PERIODS = {
  HOUR: { length: HOUR, most: 168, words: '1 to 168 hours' },
  DAY: { length: 24 * HOUR, most: 90, words: '1 to 90 days' },
} as const;

/** Larger than any real count, and the largest that GraphQL's Int can say. */
const MOST = 2 ** 31 - 1;

/** What a key asked for in one period. */
export type KeyUsage = Omit<UsageRecord, 'keyId'>;

/** The last so many periods, the one under way included. @throws Refusal BAD_USER_INPUT */
export function spanOf(last: number, by: UsagePeriod, now: number): UsageSpan {
  const { length, most, words } = PERIODS[by];
  if (last < 1 || last > most) throw badInput(['last'], `By ${by}, use is given of the last ${words}.`);
  const to = (Math.floor(now / length) + 1) * length;
  return { from: to - last * length, to, length };
}

/** Every period of the span, oldest first, with zeros where the key has no row. @param rows of that key alone */
export function series({ from, to, length }: UsageSpan, rows: readonly UsageRecord[]): KeyUsage[] {
  const known = new Map(rows.map((row) => [row.start, row]));
  return Array.from({ length: (to - from) / length }, (_, i) => {
    const start = from + i * length;
    const { requests = 0, limited = 0, forbidden = 0 } = known.get(start) ?? {};
    return {
      start,
      requests: Math.min(requests, MOST),
      limited: Math.min(limited, MOST),
      forbidden: Math.min(forbidden, MOST),
    };
  });
}
