import fc from 'fast-check';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { DAY, HOUR, MINUTE, USAGE_PERIODS, type UsagePeriod } from '../../../src/core/store/periods.js';
import { MAX_SERIES, series, spanOf } from '../../../src/management/usage/keyUsage.js';

const NOON = Date.UTC(2026, 2, 1, 12);

const asked = (by: UsagePeriod, from: number | null = null, to: number | null = null) => ({ from, to, by });

describe('a span', () => {
  test('has the last 24 periods including the current one, and days are in UTC', () => {
    expect(spanOf(asked('MINUTE'), NOON)).toEqual({ from: NOON - 23 * MINUTE, to: NOON + MINUTE, by: 'MINUTE' });
    expect(spanOf(asked('HOUR'), NOON + HOUR - 1)).toEqual({ from: NOON - 23 * HOUR, to: NOON + HOUR, by: 'HOUR' });
    expect(spanOf(asked('DAY'), NOON)).toEqual({
      from: Date.UTC(2026, 1, 6),
      to: Date.UTC(2026, 2, 2),
      by: 'DAY',
    });
  });

  test('includes the period that contains its start, and excludes a period that begins at its end', () => {
    expect(spanOf(asked('HOUR', NOON - 1, NOON), NOON)).toMatchObject({ from: NOON - HOUR, to: NOON });
    expect(spanOf(asked('HOUR', NOON, NOON + 1), NOON)).toMatchObject({ from: NOON, to: NOON + HOUR });
  });

  test('ends with the current period at the latest', () => {
    expect(spanOf(asked('HOUR', NOON, NOON + 5 * DAY), NOON)).toMatchObject({ from: NOON, to: NOON + HOUR });
  });

  test('of 24 periods ends at the requested time', () => {
    expect(spanOf(asked('HOUR', null, NOON - DAY), NOON)).toMatchObject({ from: NOON - 2 * DAY, to: NOON - DAY });
  });

  // A request for "the last 48 hours" arrives a moment later, when a part of the first period has been deleted.
  test('that starts as long ago as data is kept begins with the oldest complete period', () => {
    expect(spanOf(asked('MINUTE', NOON - 2 * DAY, NOON - DAY - HOUR), NOON + 5)).toMatchObject({
      from: NOON - 2 * DAY + MINUTE,
    });
  });
});

describe('is bad input', () => {
  test.each([
    ['from before what is kept', asked('MINUTE', NOON - 2 * DAY - 1), 'from', 'kept for 48 hours'],
    ['hours before what is kept', asked('HOUR', NOON - 91 * DAY), 'from', 'kept for 90 days'],
    ['days before what is kept', asked('DAY', 0), 'from', 'kept for 730 days'],
    ['more minutes than one answer has', asked('MINUTE', NOON - 2 * DAY + MINUTE), 'from', '2880 minutes apart'],
    ['more hours than one answer has', asked('HOUR', NOON - 80 * DAY), 'from', 'at most 1500'],
    ['from that is to', asked('HOUR', NOON, NOON), 'to', 'There is no HOUR between'],
    ['from after to', asked('HOUR', NOON, NOON - DAY), 'to', 'There is no HOUR between'],
    ['what has not begun', asked('HOUR', NOON + HOUR, NOON + DAY), 'to', 'There is no HOUR between'],
    ['to before what is kept', asked('MINUTE', null, NOON - 3 * DAY), 'to', 'There is no MINUTE between'],
  ] as const)('%s', (_, question, path, words) => {
    expect(() => spanOf(question, NOON)).toThrow(Refusal);
    expect(() => spanOf(question, NOON)).toThrow(words);
    expect(() => spanOf(question, NOON)).toThrow(
      expect.objectContaining({ details: { code: 'BAD_USER_INPUT', path: [path] } }) as Error,
    );
  });
});

test('every result is within the retention time and has at most the maximum number of periods', () => {
  const moment = fc.option(fc.integer({ min: NOON - 800 * DAY, max: NOON + 2 * DAY }), { nil: null });
  let answered = 0;
  fc.assert(
    fc.property(
      fc.constantFrom<UsagePeriod>('MINUTE', 'HOUR', 'DAY'),
      fc.oneof(moment, fc.option(fc.integer({ min: NOON - 3 * DAY, max: NOON + DAY }), { nil: null })),
      moment,
      fc.integer({ min: 0, max: DAY }),
      (by, from, to, past) => {
        const now = NOON + past;
        const { length, kept } = USAGE_PERIODS[by];
        let span;
        try {
          span = spanOf({ from, to, by }, now);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
          return;
        }
        answered += 1;
        expect(span.from).toBeGreaterThan(now - kept);
        expect(span.from).toBeLessThan(span.to);
        expect(span.to - length).toBeLessThanOrEqual(now);
        expect([span.from % length, span.to % length]).toEqual([0, 0]);
        expect((span.to - span.from) / length).toBeLessThanOrEqual(MAX_SERIES);
        if (from !== null && from >= span.from) expect(from - span.from).toBeLessThan(length);
        if (to !== null) expect(span.to - length).toBeLessThan(to);
      },
    ),
    { numRuns: 500 },
  );
  expect(answered).toBeGreaterThan(50);
});

test('periods without a row are zero, and counts can exceed 32 bits', () => {
  const span = spanOf(asked('HOUR', NOON - 2 * HOUR), NOON);
  const row = {
    keyId: 'key_a',
    start: NOON - HOUR,
    requests: 5,
    cost: 2 ** 31,
    limited: 2 ** 40,
    forbidden: 2 ** 31 - 1,
  };
  expect(series(span, [row])).toEqual([
    { start: NOON - 2 * HOUR, requests: 0, cost: 0, limited: 0, forbidden: 0 },
    { start: NOON - HOUR, requests: 5, cost: 2 ** 31, limited: 2 ** 40, forbidden: 2 ** 31 - 1 },
    { start: NOON, requests: 0, cost: 0, limited: 0, forbidden: 0 },
  ]);
});
