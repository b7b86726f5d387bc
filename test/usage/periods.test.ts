import fc from 'fast-check';
import { Refusal } from '../../src/refusals/refusal.js';
import { USAGE_RETENTION } from '../../src/store/records.js';
import { series, spanOf } from '../../src/usage/periods.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 2, 1, 12);

test('the last periods end with the one under way, and days are those of UTC', () => {
  expect(spanOf(1, 'HOUR', NOON)).toEqual({ from: NOON, to: NOON + HOUR, length: HOUR });
  expect(spanOf(24, 'HOUR', NOON + HOUR - 1)).toEqual({ from: NOON - 23 * HOUR, to: NOON + HOUR, length: HOUR });
  expect(spanOf(2, 'DAY', NOON)).toEqual({ from: Date.UTC(2026, 1, 28), to: Date.UTC(2026, 2, 2), length: DAY });
});

test.each([
  [0, 'HOUR'],
  [-1, 'HOUR'],
  [169, 'HOUR'],
  [2 ** 31 - 1, 'HOUR'],
  [0, 'DAY'],
  [91, 'DAY'],
] as const)('the last %i by %s are bad input', (last, by) => {
  expect(() => spanOf(last, by, NOON)).toThrow(Refusal);
  expect(() => spanOf(last, by, NOON)).toThrow(by === 'HOUR' ? /1 to 168 hours/ : /1 to 90 days/);
});

test('whatever may be asked for lies within what is kept', () => {
  const asked = fc.oneof(
    fc.record({ by: fc.constant('HOUR' as const), last: fc.integer({ min: 1, max: 168 }) }),
    fc.record({ by: fc.constant('DAY' as const), last: fc.integer({ min: 1, max: 90 }) }),
  );
  fc.assert(
    fc.property(asked, fc.integer({ min: 0, max: DAY }), ({ by, last }, past) => {
      const now = NOON + past;
      const { from, to, length } = spanOf(last, by, now);
      expect(from).toBeGreaterThan(now - USAGE_RETENTION);
      expect((to - from) / length).toBe(last);
      expect(to - length <= now && now < to).toBe(true);
      expect([from % length, to % length]).toEqual([0, 0]);
    }),
  );
});

test('periods without a row are zeros, and what GraphQL cannot say is cut', () => {
  const span = spanOf(3, 'HOUR', NOON);
  const row = { keyId: 'key_a', start: NOON - HOUR, requests: 5, limited: 2 ** 40, forbidden: 2 ** 31 - 1 };
  expect(series(span, [row])).toEqual([
    { start: NOON - 2 * HOUR, requests: 0, limited: 0, forbidden: 0 },
    { start: NOON - HOUR, requests: 5, limited: 2 ** 31 - 1, forbidden: 2 ** 31 - 1 },
    { start: NOON, requests: 0, limited: 0, forbidden: 0 },
  ]);
});
