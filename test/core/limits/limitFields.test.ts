import fc from 'fast-check';
import { limitFields, policyField } from '../../../src/core/limits/limitFields.js';
import type { Category } from '../../../src/core/limits/category.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import type { Admission } from '../../../src/core/limits/limits.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { TIER_LIMITS } from '../../../src/core/limits/tiers.js';
import { PUBLISHED_TIERS } from '../../../src/core/limits/tierNames.js';
import { runs } from '../../support/runs.js';

const GROWTH = { family: 'a', tier: 'GROWTH' } as const;
const clock = { now: 0 };
let limiter: Limiter;

beforeEach(() => {
  clock.now = 0;
  limiter = new Limiter({ clock: () => clock.now });
});
afterEach(() => limiter.close());

function after(now: number, cost = 1): Admission {
  clock.now = now;
  return limiter.admit(GROWTH, cost);
}

describe('the RateLimit fields', () => {
  it('have exactly this form after an admission', () => {
    after(0, 24);
    after(30_000, 2);
    expect(limitFields(after(48_000))).toEqual({
      'RateLimit-Policy': '"burst";q=25;w=1, "rate";q=500;w=60',
      RateLimit: '"rate";r=473;t=12',
    });
  });

  it('have exactly this form after a rejection, with Retry-After', () => {
    for (let second = 0; second < 20; second += 1) after(second * 1000, 25);
    expect(limitFields(after(20_000, 25))).toEqual({
      'RateLimit-Policy': '"burst";q=25;w=1, "rate";q=500;w=60',
      RateLimit: '"rate";r=0;t=40',
      'Retry-After': '40',
    });
  });

  it('name the burst if it rejected, even if the rate has room', () => {
    after(0, 20);
    expect(limitFields(after(400, 6))).toMatchObject({ RateLimit: '"burst";r=5;t=1', 'Retry-After': '1' });
  });

  it('name the burst if it is used up and the rate has room', () => {
    expect(limitFields(after(0, 25)).RateLimit).toBe('"burst";r=0;t=1');
  });

  it('name the rate if both are used up', () => {
    for (let second = 0; second < 19; second += 1) after(second * 1000, 25);
    expect(limitFields(after(19_000, 25)).RateLimit).toBe('"rate";r=0;t=41');
  });

  it('have no t if nothing is used, and no Retry-After for a cost that never fits', () => {
    expect(limitFields(after(0, 26))).toEqual({
      'RateLimit-Policy': '"burst";q=25;w=1, "rate";q=500;w=60',
      RateLimit: '"burst";r=25',
    });
  });

  it('build the policy of a tier once', () => {
    for (const tier of PUBLISHED_TIERS)
      expect(policyField(TIER_LIMITS[tier])).toMatch(/^"burst";q=\d+;w=1, "rate";q=\d+;w=60$/);
    expect(policyField(TIER_LIMITS.ENTERPRISE)).toBe('"burst";q=100;w=1, "rate";q=5000;w=60');
  });

  describe("with a category's limits", () => {
    const tiers = tierTable({ GROWTH: { categories: { write: { rate: 60, burst: 5 } } } });
    const OWN = '"burst";q=25;w=1, "rate";q=500;w=60';
    const BOTH = `${OWN}, "write-burst";q=5;w=1, "write-rate";q=60;w=60`;
    let own: Limiter;
    beforeEach(() => (own = new Limiter({ clock: () => clock.now, tiers })));
    afterEach(() => own.close());
    const ask = (now: number, category: Category, cost = 1) => {
      clock.now = now;
      return limitFields(own.admit({ ...GROWTH, category }, cost));
    };

    it('list the policies of a category only if they apply', () => {
      expect(ask(0, 'write')).toEqual({ 'RateLimit-Policy': BOTH, RateLimit: '"write-rate";r=59;t=60' });
      expect(ask(0, 'read')).toEqual({ 'RateLimit-Policy': OWN, RateLimit: '"rate";r=498;t=60' });
      expect(ask(0, 'admin')['RateLimit-Policy']).toBe(OWN);
      expect(policyField(tiers.GROWTH, 'write')).toBe(policyField(tiers.GROWTH, 'write'));
    });

    it('name the rate with the least room, or a burst that is used up before it', () => {
      for (let second = 0; second < 18; second += 1) ask(second * 1000, 'read', 25);
      expect(ask(18_000, 'write', 4).RateLimit).toBe('"rate";r=46;t=42');
      expect(ask(18_000, 'write').RateLimit).toBe('"write-burst";r=0;t=1');
      ask(19_500, 'read', 20);
      expect(ask(19_500, 'write', 5).RateLimit).toBe('"burst";r=0;t=1');
    });

    it('name the window that rejected, and the time until it has room', () => {
      ask(0, 'write', 5);
      expect(ask(400, 'write')).toEqual({
        'RateLimit-Policy': BOTH,
        RateLimit: '"write-burst";r=0;t=1',
        'Retry-After': '1',
      });
      for (let second = 1; second < 12; second += 1) ask(second * 1000, 'write', 5);
      expect(ask(20_000, 'write')).toMatchObject({ RateLimit: '"write-rate";r=0;t=40', 'Retry-After': '40' });
      // The tier rejects both in the same way.
      for (let second = 21; second < 38; second += 1) ask(second * 1000, 'read', 25);
      ask(38_000, 'read', 15);
      expect(ask(39_000, 'write')).toMatchObject({ RateLimit: '"rate";r=0;t=21', 'Retry-After': '21' });
    });

    it('have no Retry-After for a cost that never fits the category', () => {
      expect(ask(0, 'write', 6)).toEqual({ 'RateLimit-Policy': BOTH, RateLimit: '"write-burst";r=5' });
      expect(ask(0, 'write', 26).RateLimit).toBe('"write-burst";r=5');
    });
  });

  describe('rate_limit_headers: legacy', () => {
    it('describes one window, without the fields of the draft', () => {
      after(0, 24);
      after(30_000, 2);
      expect(limitFields(after(48_000), 'legacy')).toEqual({
        'RateLimit-Limit': '500',
        'RateLimit-Remaining': '473',
        'RateLimit-Reset': '12',
      });
      expect(limitFields(after(100_000, 25), 'legacy')).toEqual({
        'RateLimit-Limit': '25',
        'RateLimit-Remaining': '0',
        'RateLimit-Reset': '1',
      });
    });

    it('sets Reset to Retry-After after a rejection, when the whole cost fits', () => {
      for (let second = 0; second < 20; second += 1) after(second * 1000, second === 0 ? 25 : second === 1 ? 24 : 25);
      const refused = after(20_000, 25);
      expect(limitFields(refused, 'legacy')).toEqual({
        'RateLimit-Limit': '500',
        'RateLimit-Remaining': '1',
        'RateLimit-Reset': '40',
        'Retry-After': '40',
      });
    });

    it("sets Reset to the window's length if nothing is used, without Retry-After for a cost that never fits", () => {
      expect(limitFields(after(0, 26), 'legacy')).toEqual({
        'RateLimit-Limit': '25',
        'RateLimit-Remaining': '25',
        'RateLimit-Reset': '1',
      });
    });

    it('sends both styles on request, and they agree', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 26 })), { maxLength: 60 }), (asked) => {
          const own = new Limiter({ clock: () => clock.now });
          for (const [silence, cost] of asked) {
            clock.now += silence;
            const admission = own.admit(GROWTH, cost);
            const both = limitFields(admission, 'both');
            expect(both).toEqual({ ...limitFields(admission, 'draft'), ...limitFields(admission, 'legacy') });
            const [, name = '', r = '', t] = /^"(.+)";r=(\d+)(?:;t=(\d+))?$/.exec(both.RateLimit ?? '') ?? [];
            expect(both['RateLimit-Policy']).toContain(`"${name}";q=${both['RateLimit-Limit'] ?? ''};`);
            expect(both['RateLimit-Remaining']).toBe(r);
            expect(Number(both['RateLimit-Reset'])).toBeGreaterThanOrEqual(Number(t ?? 1));
          }
          own.close();
        }),
      );
    });
  });

  it('send none of the older fields by default', () => {
    const names = Object.keys(limitFields(after(0, 25))).concat(Object.keys(limitFields(after(1, 25))));
    expect(new Set(names)).toEqual(new Set(['RateLimit-Policy', 'RateLimit', 'Retry-After']));
  });

  it('are correct for any traffic: waiting for Retry-After suffices, and it is never earlier than t', () => {
    const traffic = fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 1, max: 3 })), {
      minLength: 30,
      maxLength: 120,
    });
    fc.assert(
      fc.property(fc.constantFrom('FREE_TRIAL', 'STARTER', 'GROWTH'), traffic, (tier, attempts) => {
        const own = new Limiter({ clock: () => clock.now });
        for (const [silence, cost] of attempts) {
          clock.now += silence;
          const admission = own.admit({ family: 'a', tier }, cost);
          const fields = limitFields(admission);
          if (!/^"(rate|burst)";r=\d+(;t=[1-9]\d*)?$/.test(fields.RateLimit ?? ''))
            throw new Error(`RateLimit: ${fields.RateLimit}`);
          if (admission.outcome !== 'refused') continue;
          const t = Number(/t=(\d+)/.exec(fields.RateLimit ?? '')?.[1]);
          const retry = Number(fields['Retry-After']);
          expect(retry).toBeGreaterThanOrEqual(t);
          expect(t).toBeGreaterThanOrEqual(1);
          clock.now += retry * 1000;
          expect(own.admit({ family: 'a', tier }, cost).outcome).toBe('admitted');
        }
        own.close();
      }),
      { numRuns: runs(200) },
    );
  });
});
