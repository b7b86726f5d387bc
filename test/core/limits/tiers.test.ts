import fc from 'fast-check';
import { CATEGORIES } from '../../../src/core/limits/category.js';
import { saysTheSame, scaled, TIER_LIMITS, tierTable, type TierOverrides } from '../../../src/core/limits/tiers.js';
import { TIERS } from '../../../src/core/store/records.js';

/** Nothing but the windows of each key. */
const ALONE = { owner: null, project: null, workspace: null, cost: null };

describe('the published table of tiers', () => {
  it.each([
    ['FREE_TRIAL', [1, 2], 20, 2, 1],
    ['STARTER', [1, 2], 30, 3, 2],
    ['GROWTH', [10, 10], 500, 25, 10],
    ['PROFESSIONAL', [25, 25], 1000, 50, 25],
    ['ENTERPRISE', [null, null], 5000, 100, 100],
  ] as const)(
    '%s has %p keys, %p requests a minute, %p a second and %p streams',
    (tier, places, rate, burst, streams) => {
      const [keys, adminKeys] = places;
      expect(TIER_LIMITS[tier]).toEqual({ keys, adminKeys, rate, burst, streams, categories: {}, ...ALONE });
    },
  );

  it('has every tier, and is frozen', () => {
    expect(Object.keys(TIER_LIMITS)).toEqual([...TIERS, 'ANONYMOUS', 'KEY_CREATION', 'VERIFICATION']);
    expect(Object.isFrozen(TIER_LIMITS)).toBe(true);
    for (const tier of TIERS) expect(Object.isFrozen(TIER_LIMITS[tier])).toBe(true);
  });
});

describe('a table of tiers', () => {
  it('replaces fields of the published table, with one frozen record per tier', () => {
    const write = { rate: 60, burst: 5 };
    const table = tierTable({ GROWTH: { keys: null, categories: { write } }, STARTER: { rate: 3 } });
    expect(table).toEqual({
      ...TIER_LIMITS,
      GROWTH: { ...TIER_LIMITS.GROWTH, keys: null, categories: { write } },
      STARTER: { ...TIER_LIMITS.STARTER, rate: 3 },
    });
    write.rate = 1_000;
    expect(table.GROWTH.categories.write).toEqual({ rate: 60, burst: 5 });
    for (const part of [table, table.GROWTH, table.GROWTH.categories, table.GROWTH.categories.write]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(tierTable()).toEqual(TIER_LIMITS);
  });

  it.each([
    [{ SILVER: {} }, 'tiers: there is no option "SILVER"'],
    [{ GROWTH: null }, 'tiers.GROWTH is null'],
    [{ GROWTH: { rates: 1 } }, 'tiers.GROWTH: there is no option "rates"'],
    [{ GROWTH: { rate: 0 } }, 'tiers.GROWTH.rate is 0. Allowed: an integer from 1 to 2147483647.'],
    [{ GROWTH: { burst: 1.5 } }, 'tiers.GROWTH.burst is 1.5. Allowed: an integer from 1 to 2147483647.'],
    [{ GROWTH: { streams: -1 } }, 'tiers.GROWTH.streams is -1. Allowed: an integer from 1 to 2147483647.'],
    [{ GROWTH: { streams: null } }, 'tiers.GROWTH.streams is null. Allowed: an integer from 1 to 2147483647.'],
    [{ GROWTH: { rate: '500' } }, 'tiers.GROWTH.rate is "500". Allowed: an integer from 1 to 2147483647.'],
    [{ GROWTH: { rate: 2 ** 31 } }, 'tiers.GROWTH.rate is 2147483648. Allowed: an integer from 1 to 2147483647.'],
    [
      { GROWTH: { adminKeys: 0 } },
      'tiers.GROWTH.adminKeys is 0. Allowed: an integer from 1 to 2147483647, or null for no limit.',
    ],
    [
      { GROWTH: { keys: 0 } },
      'tiers.GROWTH.keys is 0. Allowed: an integer from 1 to 2147483647, or null for no limit.',
    ],
    [{ GROWTH: { categories: null } }, 'tiers.GROWTH.categories is null'],
    [{ GROWTH: { categories: { delete: {} } } }, 'tiers.GROWTH.categories: there is no option "delete"'],
    [{ GROWTH: { categories: { write: 5 } } }, 'tiers.GROWTH.categories.write is 5'],
    [
      { GROWTH: { categories: { write: { rate: 5 } } } },
      'tiers.GROWTH.categories.write.burst is undefined. Allowed: an integer',
    ],
    [
      { GROWTH: { categories: { write: { rate: 5, burst: 5, keys: 1 } } } },
      'tiers.GROWTH.categories.write: there is no option "keys"',
    ],
    [{ GROWTH: { owner: { rate: 5 } } }, 'tiers.GROWTH.owner.burst is undefined. Allowed: an integer'],
    [{ GROWTH: { project: { rate: 0, burst: 1 } } }, 'tiers.GROWTH.project.rate is 0. Allowed: an integer'],
    [{ GROWTH: { workspace: 5 } }, 'tiers.GROWTH.workspace is 5'],
    [{ GROWTH: { cost: { rate: 5, burst: 5 } } }, 'tiers.GROWTH.cost.max is undefined. Allowed: an integer'],
    [{ GROWTH: { cost: { max: 1, rate: 5, burst: 5, keys: 1 } } }, 'tiers.GROWTH.cost: there is no option "keys"'],
    [
      { GROWTH: { categories: { write: { rate: 501, burst: 5 } } } },
      'write.rate is 501. Allowed: an integer from 1 to 500, the limit of the tier.',
    ],
    [
      { GROWTH: { categories: { write: { rate: 5, burst: 26 } } } },
      'write.burst is 26. Allowed: an integer from 1 to 25',
    ],
    // Compared with the replaced limit of the tier, not with the published one.
    [
      { GROWTH: { burst: 4, categories: { write: { rate: 5, burst: 5 } } } },
      'write.burst is 5. Allowed: an integer from 1 to 4',
    ],
  ])('rejects %j: %s', (overrides, message) => {
    const attempt = () => tierTable(overrides as TierOverrides);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(message);
  });

  it('ignores undefined', () => {
    const overrides = { GROWTH: { rate: undefined, categories: { write: undefined } }, STARTER: undefined };
    expect(tierTable(overrides as unknown as TierOverrides)).toEqual(TIER_LIMITS);
  });

  it('compares all limits of two records', () => {
    const count = fc.integer({ min: 1, max: 3 });
    const pair = fc.record({ rate: count, burst: count });
    const limits = fc.record({
      keys: fc.constantFrom(null, 1),
      rate: count,
      burst: count,
      adminKeys: fc.constantFrom(null, 1),
      streams: count,
      categories: fc.record({ read: pair, write: pair, admin: pair }, { requiredKeys: [] }),
      owner: fc.option(pair),
      project: fc.option(pair),
      workspace: fc.option(pair),
      cost: fc.option(fc.record({ max: count, rate: count, burst: count })),
    });
    fc.assert(
      fc.property(limits, limits, (a, b) => {
        const same = (name: 'keys' | 'adminKeys' | 'rate' | 'burst' | 'streams') => a[name] === b[name];
        const alike = CATEGORIES.every(
          (name) => JSON.stringify(a.categories[name]) === JSON.stringify(b.categories[name]),
        );
        const beside = (['owner', 'project', 'workspace', 'cost'] as const).every(
          (name) => JSON.stringify(a[name]) === JSON.stringify(b[name]),
        );
        expect(saysTheSame(a, b)).toBe(
          same('keys') && same('adminKeys') && same('rate') && same('burst') && same('streams') && alike && beside,
        );
        expect(saysTheSame(a, structuredClone(a))).toBe(true);
      }),
    );
  });

  it('scales rates and bursts, and nothing else', () => {
    const table = tierTable({
      GROWTH: {
        categories: { write: { rate: 60, burst: 5 } },
        owner: { rate: 1_000, burst: 50 },
        cost: { max: 100, rate: 10_000, burst: 1_000 },
      },
    });
    expect(scaled(table.GROWTH, (limit) => limit * 2)).toEqual({
      keys: 10,
      adminKeys: 10,
      rate: 1000,
      burst: 50,
      streams: 10,
      categories: { write: { rate: 120, burst: 10 } },
      owner: { rate: 2_000, burst: 100 },
      project: null,
      workspace: null,
      cost: { max: 100, rate: 20_000, burst: 2_000 },
    });
  });
});
