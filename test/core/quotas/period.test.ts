import fc from 'fast-check';
import { periodOf } from '../../../src/core/quotas/period.js';
import { QUOTA_WINDOWS } from '../../../src/core/quotas/quota.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const starts = (from: string, anchorDay: number, count: number): string[] => {
  const found: string[] = [];
  for (let at = Date.parse(from); found.length < count;) {
    const { start, end } = periodOf('month', at, anchorDay);
    found.push(new Date(start).toISOString());
    at = end;
  }
  return found.map((each) => each.replace('T00:00:00.000Z', ''));
};

/** Whether a month begins on a day: the anchor day, or the last day of a month without it. Goes through all days. */
function beginsOn(midnight: number, anchorDay: number): boolean {
  const day = new Date(midnight).getUTCDate();
  return day === anchorDay || (day < anchorDay && new Date(midnight + DAY).getUTCDate() === 1);
}

const anchor = fc.integer({ min: 1, max: 31 });
const time = fc.oneof(
  fc.integer({ min: Date.UTC(1999, 0), max: Date.UTC(2105, 0) }),
  // Around the ends of months, of leap years and of years.
  fc
    .tuple(
      fc.integer({ min: 1999, max: 2104 }),
      fc.constantFrom(0, 1, 2, 3, 11, 12),
      fc.constantFrom(-DAY, -HOUR, -1, 0, 1, HOUR, DAY, 28 * DAY),
    )
    .map(([year, month, more]) => Date.UTC(year, month) + more),
);

describe('the periods of quotas', () => {
  test('with anchor 31 begin on the last day of shorter months', () => {
    expect(starts('2027-11-30T12:00:00Z', 31, 6)).toEqual([
      ...['2027-11-30', '2027-12-31', '2028-01-31', '2028-02-29', '2028-03-31', '2028-04-30'],
    ]);
    expect(starts('2026-01-31T00:00:00Z', 31, 3)).toEqual(['2026-01-31', '2026-02-28', '2026-03-31']);
  });

  test('with anchor 29 begin on 28 February only in years without a leap day', () => {
    expect(starts('2027-01-29T00:00:00Z', 29, 3)).toEqual(['2027-01-29', '2027-02-28', '2027-03-29']);
    expect(starts('2028-01-29T00:00:00Z', 29, 3)).toEqual(['2028-01-29', '2028-02-29', '2028-03-29']);
    expect(starts('2100-01-29T00:00:00Z', 29, 3)).toEqual(['2100-01-29', '2100-02-28', '2100-03-29']);
  });

  test('go across the end of a year', () => {
    const period = { start: Date.UTC(2026, 11, 15), end: Date.UTC(2027, 0, 15) };
    expect(periodOf('month', Date.parse('2026-12-31T23:59:59.999Z'), 15)).toEqual(period);
    expect(periodOf('month', Date.parse('2027-01-01T00:00:00Z'), 15)).toEqual(period);
    expect(periodOf('month', Date.UTC(2027, 0, 15), 15).start).toBe(Date.UTC(2027, 0, 15));
  });

  test('are hours and days of UTC when clocks change elsewhere', () => {
    // 25 October 2026: the end of daylight saving time in Europe.
    const day = Date.UTC(2026, 9, 25);
    for (let hour = 0; hour < 24; hour++) {
      expect(periodOf('hour', day + hour * HOUR + 1)).toEqual({
        start: day + hour * HOUR,
        end: day + (hour + 1) * HOUR,
      });
      expect(periodOf('day', day + hour * HOUR)).toEqual({ start: day, end: day + DAY });
    }
  });

  test('contain their time, and follow each other without a gap', () => {
    fc.assert(
      fc.property(fc.constantFrom(...QUOTA_WINDOWS), time, anchor, (window, at, anchorDay) => {
        const { start, end } = periodOf(window, at, anchorDay);
        expect(start <= at && at < end).toBe(true);
        expect(periodOf(window, start, anchorDay)).toEqual({ start, end });
        expect(periodOf(window, end - 1, anchorDay)).toEqual({ start, end });
        expect(periodOf(window, end, anchorDay).start).toBe(end);
        expect(periodOf(window, start - 1, anchorDay).end).toBe(start);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of months begin on the day that a search through all days finds', () => {
    fc.assert(
      fc.property(time, anchor, (at, anchorDay) => {
        let midnight = Math.floor(at / DAY) * DAY;
        while (!beginsOn(midnight, anchorDay)) midnight -= DAY;
        let next = midnight + DAY;
        while (!beginsOn(next, anchorDay)) next += DAY;
        expect(periodOf('month', at, anchorDay)).toEqual({ start: midnight, end: next });
      }),
      { numRuns: 2_000 },
    );
  });
});
