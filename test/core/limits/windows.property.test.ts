import fc from 'fast-check';
import { Limiter } from '../../../src/core/limits/limiter.js';
import { rowOf, TIER_LIMITS, type TierLimits } from '../../../src/core/limits/tiers.js';
import { BURST_WINDOW, RATE_WINDOW } from '../../../src/core/limits/window.js';
import { Windows } from '../../../src/core/limits/windows.js';
import type { Tier } from '../../../src/core/store/records.js';
import { limitsTo, OneFamily, tableOf } from './family.js';
import { fullest, NaiveWindow } from './model.js';
import { runs } from '../../support/runs.js';

const limitPair = fc.record({ rate: fc.integer({ min: 1, max: 40 }), burst: fc.integer({ min: 1, max: 12 }) });

// Steps around the borders of both windows, around the wrap of four bytes in µs, over long pauses, and fractions of ms
// that binary numbers have exactly.
const step = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 999, 1_000, 1_001, 59_999, 60_000, 60_001, 65_535, 65_536, 65_537) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 9_000 }).map((eighths) => eighths / 8) },
  { weight: 1, arbitrary: fc.constantFrom(2_147_483, 2_147_484, 4_294_967, 4_294_968, 4_354_967) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** 33 }) },
);

const start = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 2 ** 16 - 3_000, max: 2 ** 16 }),
  fc.integer({ min: 2_147_483 - 3_000, max: 2_147_484 }),
  fc.integer({ min: 4_294_967 - 3_000, max: 4_294_968 }),
  fc.integer({ min: 2 ** 32 - 3_000, max: 2 ** 32 }),
  fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }),
);

const attempt = fc.record({ step, cost: fc.integer({ min: 1, max: 14 }), tier: fc.nat({ max: 19 }) });

const SETTINGS = { numRuns: runs(150) };

describe('the windows, compared with a model that keeps every unit', () => {
  it('agrees with the model for any costs, changes of tier and pauses', () => {
    const tiers = fc.array(limitPair, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(start, tiers, fc.array(attempt, { maxLength: 120 }), (begin, table, attempts) => {
        const window = new OneFamily();
        const model = new NaiveWindow();
        let now = begin;
        for (const { step: silence, cost, tier } of attempts) {
          now += silence;
          // Mostly in the first tier, so that its windows fill up.
          const { rate, burst } = table[tier] ?? table[0] ?? { rate: 1, burst: 1 };
          const hasRoom = (): boolean =>
            model.room(now, RATE_WINDOW, rate).remaining > 0 && model.room(now, BURST_WINDOW, burst).remaining > 0;
          // Without the clock, it may not know of room, but it never reports any that does not exist.
          if (window.hasRoom(now, rate, burst)) expect(hasRoom()).toBe(true);
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
          expect(window.hasRoom(now, rate, burst)).toBe(hasRoom());
        }
      }),
      SETTINGS,
    );
  });

  it('never admits more than the limit in any 60,000 ms or any 1,000 ms', () => {
    const impatient = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 6 })), {
      minLength: 80,
      maxLength: 200,
    });
    fc.assert(
      fc.property(start, limitPair, impatient, (begin, { rate, burst }, attempts) => {
        const window = new OneFamily();
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

  it('rejects one millisecond before the returned wait and admits afterwards', () => {
    fc.assert(
      fc.property(start, limitPair, fc.array(attempt, { minLength: 10, maxLength: 80 }), (begin, limits, attempts) => {
        const { rate, burst } = limits;
        const window = new OneFamily();
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

  it('agrees with the model for many families in many tiers', () => {
    const table: Record<Tier, TierLimits> = {
      FREE_TRIAL: limitsTo(1, 1),
      STARTER: limitsTo(5, 2),
      GROWTH: limitsTo(20, 30),
      PROFESSIONAL: limitsTo(60, 17),
      ENTERPRISE: limitsTo(200, 100),
    };
    const request = fc.record({
      family: fc.nat({ max: 11 }),
      // Most families stay in their tier.
      tier: fc.option(fc.constantFrom<Tier>('FREE_TRIAL', 'STARTER', 'ENTERPRISE'), { freq: 8 }),
      cost: fc.oneof(
        { weight: 4, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) },
      ),
      peeks: fc.boolean(),
      step: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 300 }) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 0 }) },
        { weight: 1, arbitrary: fc.constantFrom(1, 250, 999, 1_000, 59_999, 60_000, 60_001, 65_535, 65_536) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
      ),
    });
    const tiers = Object.keys(table);
    fc.assert(
      fc.property(start, fc.array(request, { minLength: 20, maxLength: 300 }), (begin, requests) => {
        let clock = begin;
        let now = begin;
        const limiter = new Limiter({ clock: () => clock, tiers: { ...TIER_LIMITS, ...table } });
        limiter.close();
        const models = Array.from({ length: 12 }, () => new NaiveWindow());
        for (const { family, tier: other, cost, peeks, step: silence } of requests) {
          clock += silence;
          now = Math.max(now, clock);
          const tier = other ?? tiers[family % tiers.length] ?? 'STARTER';
          const subject = { family: `family ${family}`, tier };
          const { rate, burst } = rowOf(limiter.tiers, tier);
          const model = models[family] ?? new NaiveWindow();
          const limit = Math.min(rate, burst);
          let outcome: object;
          if (cost > limit) {
            outcome = { outcome: 'never', limit, window: burst <= rate ? 'burst' : 'rate' };
          } else if (model.fits(now, cost, rate, burst)) {
            outcome = { outcome: 'admitted' };
          } else {
            const refusal = model.refusal(now, cost, rate, burst);
            outcome = { outcome: 'refused', ...refusal, limit: refusal.window === 'rate' ? rate : burst };
          }
          if (!peeks && model.fits(now, cost, rate, burst)) model.take(now, cost);
          const room = { rate: model.room(now, RATE_WINDOW, rate), burst: model.room(now, BURST_WINDOW, burst) };
          if (peeks) expect(limiter.peek(subject)).toEqual(room);
          else expect(limiter.admit(subject, cost)).toEqual({ ...outcome, limits: table[tier], room });

          const used = (length: number) => models.filter((each) => each.used(now, length) > 0).length;
          expect(limiter.size).toBeGreaterThanOrEqual(used(RATE_WINDOW));
          // Expired units are removed within a minute, and rejected ones are never stored.
          expect(limiter.size).toBeLessThanOrEqual(used(2 * RATE_WINDOW));
        }
        clock = now + RATE_WINDOW;
        limiter.peek({ family: 'another', tier: 'STARTER' });
        expect([limiter.size, limiter.bytes]).toEqual([0, 0]);
      }),
      SETTINGS,
    );
  });

  it('a copy of the current units returns the same as the original', () => {
    const move = fc.record({ family: fc.nat({ max: 5 }), step: fc.nat({ max: 3_000 }), cost: fc.nat({ max: 40 }) });
    const moves = fc.array(move, { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(start, moves, fc.nat({ max: 70_000 }), moves, (begin, before, silence, after) => {
        let copied = new Windows();
        const models = new Map<string, NaiveWindow>();
        let now = begin;
        const play = (list: typeof before) => {
          for (const { family, step: pause, cost } of list) {
            now += pause;
            const name = String(family);
            const model = models.get(name) ?? new NaiveWindow();
            models.set(name, model);
            const found = copied.find(name, now);
            copied.take(found < 0 ? copied.add(name, now) : found, cost);
            model.take(now, cost);
          }
        };
        play(before);
        now += silence;
        copied = copied.living(now) ?? new Windows();
        const living = [...models.values()].filter((model) => model.used(now, RATE_WINDOW) > 0);
        expect(copied.size).toBe(living.length);
        play(after);
        for (const [name, model] of models) {
          const row = copied.find(name, now);
          // Checks the place of every unit: the wait for each lower limit depends on a different unit.
          for (let limit = 1; limit <= model.used(now, RATE_WINDOW); limit += 1) {
            expect(copied.room(row, limit, limit)).toEqual({
              rate: model.room(now, RATE_WINDOW, limit),
              burst: model.room(now, BURST_WINDOW, limit),
            });
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('stores at most 8 bytes per unit of the last two minutes and 200 more, and nothing after a pause', () => {
    const phases = fc.array(
      fc.record({ step: fc.integer({ min: 1, max: 90 }), cost: fc.integer({ min: 1, max: 3 }) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(phases, (list) => {
        const window = new OneFamily();
        const admitted: number[] = [];
        let gone = 0;
        let now = 0;
        for (const { step: silence, cost } of list) {
          for (let count = 0; count < 3_000; count += 1) {
            now += silence;
            if (window.admit(now, cost, 6_000, 100).outcome === 'admitted') {
              for (let unit = 0; unit < cost; unit += 1) admitted.push(now);
            }
            while ((admitted[gone] ?? now) <= now - 2 * RATE_WINDOW) gone += 1;
            const units = admitted.length - gone;
            if (window.bytes > 8 * units + 200) throw new Error(`${window.bytes} bytes for ${units} units`);
          }
        }
        window.room(now + RATE_WINDOW, 1, 1);
        expect([window.size, window.bytes]).toEqual([0, 0]);
      }),
      { numRuns: 30 },
    );
  });

  it('stores at most 8 bytes per unit and 130 per family for many families', () => {
    let now = 0;
    const limiter = new Limiter({ clock: () => now, tiers: tableOf(limitsTo(5_000, 100)) });
    limiter.close();
    let units = 0;
    // Within a minute, so that all units count: one for the first family up to a hundred for the last.
    for (let round = 0; round < 100; round += 1, now += 599) {
      for (let family = 99 - round; family < 20_000; family += 100) {
        limiter.admit({ family: `family ${family}`, tier: 'ENTERPRISE' }, 1 + (round % 2) * 20);
        units += 1 + (round % 2) * 20;
      }
      expect(limiter.bytes).toBeLessThanOrEqual(8 * units + 130 * limiter.size);
    }
    expect(limiter.size).toBe(20_000);
  });
});
