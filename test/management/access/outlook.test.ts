import fc from 'fast-check';
import { outlook } from '../../../src/management/access/outlook.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';

const subject = { family: 'a', tier: 'GROWTH' } as const;
const tiers = tierTable({ GROWTH: { keys: null, rate: 12, burst: 5 } });

test('predicts the results of the limits', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 20_000 })), { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      (asked, cost) => {
        const clock = { now: 0 };
        const limiter = new Limiter({ clock: () => clock.now, tiers });
        for (const [units, ms] of asked) {
          limiter.admit(subject, units);
          clock.now += ms % 2 === 0 ? ms : ms % 300;
        }
        const foretold = outlook([limiter.peek(subject)], cost);
        const admission = limiter.admit(subject, cost);
        expect(foretold.outcome).toBe(admission.outcome);
        seen.add(admission.outcome);
        if (foretold.outcome === 'refused' && admission.outcome === 'refused') {
          expect(foretold.retryAfterMs).toBeGreaterThan(0);
          expect(foretold.retryAfterMs).toBeLessThanOrEqual(admission.retryAfterMs);
          if (cost === 1) expect(foretold.retryAfterMs).toBe(admission.retryAfterMs);
        }
        limiter.close();
      },
    ),
    { numRuns: 500 },
  );
  expect([...seen].sort()).toEqual(['admitted', 'never', 'refused']);
});
