import fc from 'fast-check';
import { CATEGORIES, type Category } from '../../../src/core/limits/category.js';
import { limitFields } from '../../../src/core/limits/limitFields.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import type { Bound } from '../../../src/core/limits/limits.js';
import { rowOf, TIER_LIMITS, type TierTable, type WindowLimits } from '../../../src/core/limits/tiers.js';
import { BURST_WINDOW, RATE_WINDOW } from '../../../src/core/limits/window.js';
import { PUBLISHED_TIERS } from '../../../src/core/limits/tierNames.js';
import type { Tier } from '../../../src/core/store/records.js';
import { limitsTo } from './family.js';
import { fullest, NaiveWindow } from './model.js';
import { runs } from '../../support/runs.js';

/** A pair of windows as published, with its name if it belongs to a category. */
interface Side {
  readonly model: NaiveWindow;
  readonly limits: WindowLimits;
  readonly category?: Category | undefined;
}

/** A tier whose limited categories allow at most as much as the tier. */
const tierLimits = fc
  .record({ rate: fc.integer({ min: 1, max: 30 }), burst: fc.integer({ min: 1, max: 12 }) })
  .chain(({ rate, burst }) => {
    const pair = fc.record({ rate: fc.integer({ min: 1, max: rate }), burst: fc.integer({ min: 1, max: burst }) });
    return fc
      .record({ read: pair, write: pair, admin: pair }, { requiredKeys: [] })
      .map((categories) => limitsTo(rate, burst, categories));
  });

const table: fc.Arbitrary<TierTable> = fc
  .record(Object.fromEntries(PUBLISHED_TIERS.map((tier) => [tier, tierLimits])))
  .map((all) => ({ ...TIER_LIMITS, ...all }));

const attempt = fc.record({
  family: fc.constantFrom('a', 'b'),
  // Mostly in one tier, so that its windows fill up.
  tier: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Tier>('GROWTH') },
    { weight: 1, arbitrary: fc.constantFrom<Tier>(...PUBLISHED_TIERS) },
  ),
  category: fc.constantFrom(undefined, ...CATEGORIES),
  cost: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 13 }) }),
  step: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 9_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(999, 1_000, 1_001, 59_999, 60_000, 60_001) },
  ),
});

class Models {
  readonly #known = new Map<string, NaiveWindow>();

  /** The windows that count the operation: those of the tier, and those of its category if the tier limits it. */
  of(tiers: TierTable, family: string, tier: Tier, category: Category | undefined): [Side, Side?] {
    const limits = rowOf(tiers, tier);
    const its = category && limits.categories[category];
    const own = { model: this.#model(family), limits };
    return its === undefined ? [own] : [own, { model: this.#model(`${family} ${category}`), limits: its, category }];
  }

  #model(name: string): NaiveWindow {
    const model = this.#known.get(name) ?? new NaiveWindow();
    this.#known.set(name, model);
    return model;
  }
}

function room({ model, limits: { rate, burst } }: Side, now: number) {
  return { rate: model.room(now, RATE_WINDOW, rate), burst: model.room(now, BURST_WINDOW, burst) };
}

/** The window that the cost can never fit into; null if there is none. */
function tooLow(sides: readonly Side[], cost: number): Bound | null {
  const bounds = sides.flatMap(({ limits, category }) =>
    (['burst', 'rate'] as const).map((window) => ({ window, limit: limits[window], category })),
  );
  const lowest = bounds.reduce((least, bound) => (bound.limit < least.limit ? bound : least));
  return cost > lowest.limit ? lowest : null;
}

/** The window with the longest wait for the cost. */
function longest(sides: readonly Side[], now: number, cost: number) {
  const waits = sides.flatMap(({ model, limits, category }) =>
    (['rate', 'burst'] as const).map((window) => {
      const length = window === 'rate' ? RATE_WINDOW : BURST_WINDOW;
      const retryAfterMs = model.wait(now, length, cost, limits[window]);
      return { window, limit: limits[window], category, retryAfterMs };
    }),
  );
  return waits.reduce((most, wait) => (wait.retryAfterMs > most.retryAfterMs ? wait : most));
}

describe('the windows of a tier and a category, compared with a model', () => {
  it('agrees with the model, and takes from all windows or from none', () => {
    fc.assert(
      fc.property(table, fc.array(attempt, { maxLength: 150 }), (tiers, attempts) => {
        let now = 0;
        const limiter = new Limiter({ clock: () => now, tiers });
        limiter.close();
        const models = new Models();
        for (const { family, tier, category, cost, step } of attempts) {
          now += step;
          const sides = models.of(tiers, family, tier, category).filter((side) => side !== undefined);
          const admission = limiter.admit({ family, tier, category }, cost);
          const never = tooLow(sides, cost);
          const fits = sides.every(({ model, limits: { rate, burst } }) => model.fits(now, cost, rate, burst));
          const expected =
            never !== null
              ? { outcome: 'never', ...never }
              : fits
                ? { outcome: 'admitted' }
                : { outcome: 'refused', ...longest(sides, now, cost) };
          if (fits) for (const { model } of sides) model.take(now, cost);
          const [own, its] = models.of(tiers, family, tier, category);
          expect(admission).toEqual({
            ...expected,
            limits: rowOf(tiers, tier),
            room: room(own, now),
            categoryRoom: its && { category, ...room(its, now) },
          });
          // Peeking returns the same and changes nothing.
          expect(limiter.peek({ family, tier, category })).toEqual(room(its ?? own, now));
        }
      }),
      { numRuns: runs(200) },
    );
  });

  it('never exceeds any limit, and admits a caller who waits for retryAfterMs', () => {
    fc.assert(
      fc.property(tierLimits, fc.array(attempt, { minLength: 40, maxLength: 120 }), (limits, attempts) => {
        let now = 0;
        const tiers = { ...TIER_LIMITS, ...Object.fromEntries(PUBLISHED_TIERS.map((tier) => [tier, limits])) };
        const limiter = new Limiter({ clock: () => now, tiers });
        limiter.close();
        const all: number[] = [];
        const of = { read: [] as number[], write: [] as number[], admin: [] as number[] };
        const note = (category: Category | undefined, cost: number) => {
          for (const list of category === undefined ? [all] : [all, of[category]]) {
            for (let unit = 0; unit < cost; unit += 1) list.push(now);
          }
        };
        for (const { category, cost, step } of attempts) {
          now += step;
          const subject = { family: 'a', tier: 'GROWTH', category } as const;
          const admission = limiter.admit(subject, cost);
          if (admission.outcome === 'admitted') note(category, cost);
          if (admission.outcome !== 'refused') continue;
          const told = limitFields(admission);
          expect(Number(told['Retry-After']) * 1000).toBeGreaterThanOrEqual(admission.retryAfterMs);
          now += admission.retryAfterMs - 1;
          expect(limiter.admit(subject, cost).outcome).toBe('refused');
          now += 1;
          expect(limiter.admit(subject, cost).outcome).toBe('admitted');
          note(category, cost);
        }
        expect(fullest(all, RATE_WINDOW)).toBeLessThanOrEqual(limits.rate);
        expect(fullest(all, BURST_WINDOW)).toBeLessThanOrEqual(limits.burst);
        for (const category of CATEGORIES) {
          const its = limits.categories[category];
          if (its === undefined) continue;
          expect(fullest(of[category], RATE_WINDOW)).toBeLessThanOrEqual(its.rate);
          expect(fullest(of[category], BURST_WINDOW)).toBeLessThanOrEqual(its.burst);
        }
      }),
      { numRuns: runs(150) },
    );
  });
});
