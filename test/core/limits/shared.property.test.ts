import fc from 'fast-check';
import { limitFields } from '../../../src/core/limits/limitFields.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import type { Admission, SharedWindows, Subject, WindowsOf } from '../../../src/core/limits/limits.js';
import type { TierLimits, WindowLimits } from '../../../src/core/limits/tiers.js';
import { BURST_WINDOW, RATE_WINDOW } from '../../../src/core/limits/window.js';
import { limitsTo } from './family.js';
import { fullest, NaiveWindow } from './model.js';
import { runs } from '../../support/runs.js';

const pair = fc.record({ rate: fc.integer({ min: 1, max: 40 }), burst: fc.integer({ min: 1, max: 15 }) });
const costPair = fc.record({ rate: fc.integer({ min: 1, max: 90 }), burst: fc.integer({ min: 1, max: 50 }) });

const keyLimits = fc.tuple(pair, fc.option(costPair)).map(([own, cost]): TierLimits => ({
  ...limitsTo(own.rate, own.burst),
  cost: cost === null ? null : { max: 90, ...cost },
}));

const OWNERS = ['acme', 'zeta'] as const;

const attempt = fc.record({
  family: fc.constantFrom('a', 'b', 'c'),
  requests: fc.oneof(
    { weight: 4, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 9 }) },
  ),
  cost: fc.integer({ min: 0, max: 40 }),
  owner: fc.option(fc.constantFrom(...OWNERS)),
  inProject: fc.boolean(),
  back: fc.option(fc.record({ of: fc.nat({ max: 6 }), cost: fc.integer({ min: 1, max: 50 }) })),
  step: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 9_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(999, 1_000, 1_001, 59_999, 60_000, 60_001) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 9_000 }).map((eighths) => eighths / 8) },
  ),
});

/** A pair of windows, as published, and what an admission takes from it. */
interface Side {
  readonly model: NaiveWindow;
  readonly limits: WindowLimits;
  readonly amount: number;
  readonly of?: WindowsOf;
}

class Models {
  readonly #known = new Map<string, NaiveWindow>();

  of(subject: Subject, limits: TierLimits, requests: number, cost: number): Side[] {
    const own: Side = { model: this.named(subject.family), limits, amount: requests };
    const shared = (subject.shared ?? []).map(({ of, name, ...its }): Side => ({
      of,
      model: this.named(name),
      limits: its,
      amount: requests,
    }));
    const model = this.named(`${subject.family} cost`);
    return [
      own,
      ...shared,
      ...(limits.cost === null ? [] : [{ of: 'cost', model, limits: limits.cost, amount: cost } as const]),
    ];
  }

  named(name: string): NaiveWindow {
    const model = this.#known.get(name) ?? new NaiveWindow();
    this.#known.set(name, model);
    return model;
  }
}

function room({ model, limits: { rate, burst } }: Side, now: number) {
  return { rate: model.room(now, RATE_WINDOW, rate), burst: model.room(now, BURST_WINDOW, burst) };
}

/** Returns what the admission should be, and takes it. */
function expected(sides: readonly Side[], now: number): object {
  const never = (isCost: boolean) =>
    sides
      .filter(({ of }) => (of === 'cost') === isCost)
      .flatMap(({ limits, amount, of }) =>
        (['burst', 'rate'] as const).map((window) => ({ window, limit: limits[window], of, amount })),
      )
      .filter(({ limit, amount }) => amount > limit)
      .reduce<{ window: string; limit: number; of?: WindowsOf | undefined } | null>(
        (least, { window, limit, of }) => (least === null || limit < least.limit ? { window, limit, of } : least),
        null,
      );
  const tooLow = never(false) ?? never(true);
  if (tooLow !== null) return { outcome: 'never', ...tooLow };
  const taking = sides.filter(({ amount }) => amount > 0);
  if (taking.every(({ model, amount, limits: { rate, burst } }) => model.fits(now, amount, rate, burst))) {
    for (const { model, amount } of taking) model.take(now, amount);
    return { outcome: 'admitted' };
  }
  const waits = taking.flatMap(({ model, limits, amount, of }) =>
    (['rate', 'burst'] as const).map((window) => {
      const length = window === 'rate' ? RATE_WINDOW : BURST_WINDOW;
      return { window, limit: limits[window], of, retryAfterMs: model.wait(now, length, amount, limits[window]) };
    }),
  );
  return { outcome: 'refused', ...waits.reduce((most, wait) => (wait.retryAfterMs > most.retryAfterMs ? wait : most)) };
}

describe('windows of a key, its owner and project, and its cost, compared with a model', () => {
  it('agrees with the model, takes from all windows or from none, and gives cost units back', () => {
    fc.assert(
      fc.property(
        fc.tuple(keyLimits, pair, pair),
        fc.array(attempt, { maxLength: 120 }),
        ([limits, ofOwner, ofProject], attempts) => {
          let now = 0;
          const limiter = new Limiter({ clock: () => now });
          limiter.close();
          const models = new Models();
          const taken: { admission: Admission; at: number; model: NaiveWindow; cost: number }[] = [];
          for (const { family, requests, cost, owner, inProject, back, step } of attempts) {
            if (requests + cost === 0) continue;
            now += step;
            const shared: SharedWindows[] = [
              ...(owner === null ? [] : [{ of: 'owner', name: `owner/${owner}`, ...ofOwner } as const]),
              ...(inProject ? [{ of: 'project', name: 'project/1', ...ofProject } as const] : []),
            ];
            const subject: Subject = { family, tier: 'GROWTH', limits, ...(shared.length > 0 && { shared }) };
            const sides = models.of(subject, limits, requests, cost);
            const outcome = expected(sides, now);
            const admission = limiter.admit(subject, requests, cost);
            const [own, ...others] = sides;
            const { costTaken, ...told } = admission as Admission & { costTaken?: object };
            expect(told).toEqual({
              ...outcome,
              limits,
              room: own && room(own, now),
              ...(others.length > 0 && { otherRooms: others.map((side) => ({ of: side.of, ...room(side, now) })) }),
            });
            expect(costTaken !== undefined).toBe(told.outcome === 'admitted' && cost > 0 && limits.cost !== null);
            const costs = sides.at(-1);
            if (costTaken !== undefined && costs !== undefined)
              taken.unshift({ admission, at: now, model: costs.model, cost });
            const [one] = taken.splice(back?.of ?? 0, 1);
            if (back === null || one === undefined || costs === undefined) continue;
            limiter.giveBack(one.admission, back.cost);
            // Never more than was taken.
            one.model.giveBack(one.at, Math.min(back.cost, one.cost));
            expect(limiter.peek(subject, 'cost')).toEqual(room(costs, now));
          }
        },
      ),
      { numRuns: runs(300) },
    );
  });

  it('never exceeds a limit of an owner, however many keys it has, and admits who waits for retryAfterMs', () => {
    fc.assert(
      fc.property(pair, fc.array(attempt, { minLength: 40, maxLength: 100 }), (ofOwner, attempts) => {
        let now = 0;
        const limiter = new Limiter({ clock: () => now });
        limiter.close();
        const all: number[] = [];
        const shared: SharedWindows[] = [{ of: 'owner', name: 'owner/acme', ...ofOwner }];
        for (const { family, step } of attempts) {
          now += step;
          const subject: Subject = { family, tier: 'ENTERPRISE', shared };
          const admission = limiter.admit(subject);
          if (admission.outcome === 'admitted') all.push(now);
          if (admission.outcome !== 'refused') continue;
          expect(admission).toMatchObject({ of: 'owner' });
          expect(Number(limitFields(admission)['Retry-After']) * 1000).toBeGreaterThanOrEqual(admission.retryAfterMs);
          now += admission.retryAfterMs - 1;
          expect(limiter.admit(subject).outcome).toBe('refused');
          now += 1;
          expect(limiter.admit(subject).outcome).toBe('admitted');
          all.push(now);
        }
        expect(fullest(all, RATE_WINDOW)).toBeLessThanOrEqual(ofOwner.rate);
        expect(fullest(all, BURST_WINDOW)).toBeLessThanOrEqual(ofOwner.burst);
      }),
      { numRuns: runs(100) },
    );
  });
});
