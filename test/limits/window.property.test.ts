import fc from 'fast-check';
import { BURST_WINDOW, RATE_WINDOW, SlidingWindow } from '../../src/limits/window.js';
import { fullest, NaiveWindow } from './model.js';

const limitPair = fc.record({ rate: fc.integer({ min: 1, max: 40 }), burst: fc.integer({ min: 1, max: 12 }) });

// Steps that dwell on the borders of both windows, on the wrap of two bytes, and on long silences.
const step = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 999, 1_000, 1_001, 59_999, 60_000, 60_001, 65_535, 65_536, 65_537) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** 33 }) },
);

const start = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 2 ** 16 - 3_000, max: 2 ** 16 }),
  fc.integer({ min: 2 ** 31 - 3_000, max: 2 ** 31 }),
  fc.integer({ min: 2 ** 32 - 3_000, max: 2 ** 32 }),
  fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }),
);

const attempt = fc.record({ step, cost: fc.integer({ min: 1, max: 14 }), tier: fc.nat({ max: 19 }) });

const SETTINGS = { numRuns: 150 };

describe('SlidingWindow against a model that keeps and counts everything', () => {
  it('gives the same answers whatever the costs, the changes of tier and the silences', () => {
    const tiers = fc.array(limitPair, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(start, tiers, fc.array(attempt, { maxLength: 120 }), (begin, table, attempts) => {
        const window = new SlidingWindow();
        const model = new NaiveWindow();
        let now = begin;
        for (const { step: silence, cost, tier } of attempts) {
          now += silence;
          // Most attempts are in the first tier, so that its windows do fill.
          const { rate, burst } = table[tier] ?? table[0] ?? { rate: 1, burst: 1 };
          const verdict = window.admit(now, cost, rate, burst);
          if (cost > Math.min(rate, burst)) {
            expect(verdict).toEqual({ outcome: 'never', limit: Math.min(rate, burst) });
          } else if (model.fits(now, cost, rate, burst)) {
            expect(verdict).toEqual({ outcome: 'admitted' });
            model.take(now, cost);
          } else {
            expect(verdict).toEqual({ outcome: 'refused', ...model.refusal(now, cost, rate, burst) });
          }
          expect(window.room(now, rate, burst)).toEqual({
            rate: model.room(now, RATE_WINDOW, rate),
            burst: model.room(now, BURST_WINDOW, burst),
          });
        }
      }),
      SETTINGS,
    );
  });

  it('never lets any 60,000 ms or any 1,000 ms hold more than the limit', () => {
    const impatient = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 6 })), {
      minLength: 80,
      maxLength: 200,
    });
    fc.assert(
      fc.property(start, limitPair, impatient, (begin, { rate, burst }, attempts) => {
        const window = new SlidingWindow();
        const admissions: number[] = [];
        let now = begin;
        for (const [silence, cost] of attempts) {
          now += silence;
          if (window.admit(now, cost, rate, burst).outcome !== 'admitted') continue;
          for (let unit = 0; unit < cost; unit += 1) admissions.push(now);
        }
        expect(fullest(admissions, RATE_WINDOW)).toBeLessThanOrEqual(rate);
        expect(fullest(admissions, BURST_WINDOW)).toBeLessThanOrEqual(burst);
      }),
      SETTINGS,
    );
  });

  it('refuses one millisecond before the wait it named and admits at it', () => {
    fc.assert(
      fc.property(start, limitPair, fc.array(attempt, { minLength: 10, maxLength: 80 }), (begin, limits, attempts) => {
        const { rate, burst } = limits;
        const window = new SlidingWindow();
        let now = begin;
        for (const { step: silence, cost } of attempts) {
          now += silence;
          const verdict = window.admit(now, cost, rate, burst);
          if (verdict.outcome !== 'refused') continue;
          now += verdict.retryAfterMs;
          if (verdict.retryAfterMs > 1) {
            expect(window.admit(now - 1, cost, rate, burst)).toMatchObject({ outcome: 'refused', retryAfterMs: 1 });
          }
          expect(window.admit(now, cost, rate, burst)).toEqual({ outcome: 'admitted' });
        }
      }),
      SETTINGS,
    );
  });

  it('holds at most 4 bytes for each unit of the last minute and 200 more, and shrinks when traffic falls', () => {
    const rates = fc.array(
      fc.record({ rate: fc.integer({ min: 1, max: 6_000 }), step: fc.integer({ min: 1, max: 90 }) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(rates, (phases) => {
        const window = new SlidingWindow();
        let now = 0;
        for (const { rate, step: silence } of phases) {
          for (let count = 0; count < 3_000; count += 1) {
            now += silence;
            window.admit(now, 1, rate, 100);
            const used = 6_000 - window.room(now, 6_000, 100).rate.remaining;
            if (window.bytes > 4 * used + 200) throw new Error(`${window.bytes} bytes for ${used} units`);
          }
        }
        window.room(now + RATE_WINDOW, 1, 1);
        expect(window.bytes).toBeLessThanOrEqual(200);
      }),
      { numRuns: 30 },
    );
  });
});
