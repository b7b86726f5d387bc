import { limitsOf, TIER_LIMITS } from '../../src/limits/tiers.js';
import { TIERS } from '../../src/store/records.js';

describe('the table of tiers', () => {
  it.each([
    ['FREE_TRIAL', 1, 20, 2],
    ['STARTER', 1, 30, 3],
    ['GROWTH', 10, 500, 25],
    ['PROFESSIONAL', 25, 1000, 50],
    ['ENTERPRISE', null, 5000, 100],
  ] as const)('%s grants %p keys, %p a minute, %p a second', (tier, keys, rate, burst) => {
    expect(limitsOf(tier)).toEqual({ keys, rate, burst });
  });

  it('has every tier, and cannot be changed in passing', () => {
    expect(Object.keys(TIER_LIMITS)).toEqual([...TIERS]);
    expect(Object.isFrozen(TIER_LIMITS)).toBe(true);
    for (const tier of TIERS) expect(Object.isFrozen(limitsOf(tier))).toBe(true);
  });
});
