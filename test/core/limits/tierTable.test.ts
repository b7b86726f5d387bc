import fc from 'fast-check';
import { CATEGORIES } from '../../../src/core/limits/category.js';
import {
  checkTierTable,
  tierTable,
  type TierDefinition,
  type TierDefinitions,
  type TierOverrides,
} from '../../../src/core/limits/tierTable.js';
import {
  defaultTierOf,
  rowOf,
  replaceTable,
  saysTheSame,
  scaled,
  TIER_LIMITS,
  tierOf,
  tiersIn,
} from '../../../src/core/limits/tiers.js';
import { PUBLISHED_TIERS } from '../../../src/core/limits/tierNames.js';

/** Only the windows of each key. */
const ALONE = { owner: null, project: null, workspace: null, cost: null, quotas: [], credits: null };

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
    expect(Object.keys(TIER_LIMITS)).toEqual([...PUBLISHED_TIERS, 'ANONYMOUS', 'KEY_CREATION', 'VERIFICATION']);
    expect(Object.isFrozen(TIER_LIMITS)).toBe(true);
    for (const tier of PUBLISHED_TIERS) expect(Object.isFrozen(TIER_LIMITS[tier])).toBe(true);
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
    [{ SILVER: {} }, 'tiers.SILVER.keys is missing. Give a new tier all limits, or copy them from another tier'],
    [{ ANONYMOUS: null }, 'tiers.ANONYMOUS is null'],
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
      quotas: fc.array(
        fc.record({
          window: fc.constantFrom('hour', 'day', 'month'),
          unit: fc.constantFrom('requests', 'cost'),
          limit: fc.option(count),
          subject: fc.constantFrom('key', 'owner'),
        }),
        { maxLength: 2 },
      ),
      credits: fc.option(
        fc.record({
          unit: fc.constant('requests' as const),
          subject: fc.constantFrom('key', 'owner'),
          refill: fc.option(fc.record({ amount: count, every: fc.constantFrom('hour', 'day') })),
        }),
      ),
    });
    fc.assert(
      fc.property(limits, limits, (a, b) => {
        const same = (name: 'keys' | 'adminKeys' | 'rate' | 'burst' | 'streams') => a[name] === b[name];
        const alike = CATEGORIES.every(
          (name) => JSON.stringify(a.categories[name]) === JSON.stringify(b.categories[name]),
        );
        const beside = (['owner', 'project', 'workspace', 'cost', 'quotas', 'credits'] as const).every(
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
      quotas: [],
      credits: null,
    });
  });
});

const WHOLE = { keys: 3, adminKeys: 1, rate: 40, burst: 4, streams: 2 };

describe('tiers that are added, removed and renamed', () => {
  const namesOf = (definitions: TierDefinitions, published = true) => tiersIn(tierTable(definitions, { published }));

  it('removes a tier', () => {
    expect(namesOf({ STARTER: null })).toEqual(['FREE_TRIAL', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE']);
  });

  it('adds a tier after the tier above it, and at the top as the smallest', () => {
    expect(namesOf({ NANO: WHOLE, GROWTH: {}, PLUS: WHOLE, MAX: WHOLE })).toEqual([
      ...['NANO', 'FREE_TRIAL', 'STARTER', 'GROWTH', 'PLUS', 'MAX', 'PROFESSIONAL', 'ENTERPRISE'],
    ]);
    expect(tierTable({ NANO: WHOLE }).NANO).toEqual({ ...TIER_LIMITS.GROWTH, ...WHOLE });
  });

  it('renames a tier, in its place and with its limits', () => {
    const table = tierTable({ HOBBY: { was: 'STARTER', rate: 45 } });
    expect(tiersIn(table)).toEqual(['FREE_TRIAL', 'HOBBY', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE']);
    expect(table.HOBBY).toEqual({ ...TIER_LIMITS.STARTER, rate: 45, was: ['STARTER'] });
    expect(tierOf(table, 'STARTER')).toBe('HOBBY');
    expect(rowOf(table, 'STARTER')).toBe(table.HOBBY);
  });

  it('merges tiers, and remembers names that were never published', () => {
    const table = tierTable({ PAID: { was: ['GROWTH', 'PROFESSIONAL', 'OLD'] } });
    expect(tiersIn(table)).toEqual(['FREE_TRIAL', 'STARTER', 'PAID', 'ENTERPRISE']);
    expect(table.PAID).toMatchObject({ rate: TIER_LIMITS.GROWTH.rate });
    for (const stored of ['GROWTH', 'PROFESSIONAL', 'OLD']) expect(tierOf(table, stored)).toBe('PAID');
  });

  it('starts from the limits of another tier, as they are in the same table', () => {
    const table = tierTable({
      GROWTH: { rate: 700, categories: { write: { rate: 5, burst: 5 } } },
      PLUS: { from: 'GROWTH', burst: 30 },
      PLUS_PLUS: { from: 'PLUS', keys: null },
      STARTER: null,
      TINY: { from: 'STARTER' },
    });
    expect(table.PLUS).toEqual({ ...table.GROWTH, burst: 30 });
    expect(table.PLUS_PLUS).toEqual({ ...table.GROWTH, burst: 30, keys: null });
    expect(table.TINY).toEqual(TIER_LIMITS.STARTER);
  });

  it('does not take over the earlier names of the tier that it starts from', () => {
    const table = tierTable({ HOBBY: { was: 'STARTER' }, PLUS: { from: 'HOBBY' } });
    expect(table.PLUS).toEqual(TIER_LIMITS.STARTER);
  });

  it('has only the defined tiers without the published ones, in the order of definition', () => {
    expect(namesOf({ ENTERPRISE: { rate: 9_000 }, FREE_TRIAL: {}, GOLD: { from: 'GROWTH' } }, false)).toEqual([
      ...['ENTERPRISE', 'FREE_TRIAL', 'GOLD'],
    ]);
    expect(tierTable({ FREE_TRIAL: {} }, { published: false })).toEqual({
      FREE_TRIAL: TIER_LIMITS.FREE_TRIAL,
      ANONYMOUS: TIER_LIMITS.ANONYMOUS,
      KEY_CREATION: TIER_LIMITS.KEY_CREATION,
      VERIFICATION: TIER_LIMITS.VERIFICATION,
    });
  });

  const all = { FREE_TRIAL: null, STARTER: null, GROWTH: null, PROFESSIONAL: null, ENTERPRISE: null };
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`T${i}`, WHOLE]));

  it('has 1 to 50 tiers', () => {
    expect(() => tierTable(all)).toThrow('tiers: there is no tier. Define at least one.');
    expect(() => tierTable({}, { published: false })).toThrow('tiers: there is no tier. Define at least one.');
    expect(tiersIn(tierTable(many(45)))).toHaveLength(50);
    expect(() => tierTable(many(46))).toThrow('tiers has 51 tiers. Allowed: at most 50.');
  });

  it.each([
    [
      { gold: WHOLE },
      'tiers: the name of a tier is "gold". Allowed: a name of 1 to 40 characters (A to Z, 0 to 9 and _',
    ],
    [{ ['A'.repeat(41)]: WHOLE }, 'tiers: the name of a tier is "AAAA'],
    [{ _GOLD: WHOLE }, 'tiers: the name of a tier is "_GOLD"'],
    [{ '1ST': WHOLE }, 'tiers: the name of a tier is "1ST"'],
    [{ TRUE: WHOLE }, 'but not ANONYMOUS, KEY_CREATION, VERIFICATION, NULL, TRUE, FALSE'],
    [{ GOLD: { from: 'SILVER' } }, 'tiers.GOLD.from is "SILVER". Allowed: a published tier (FREE_TRIAL, STARTER,'],
    [{ GOLD: { from: 'GOLD' } }, 'tiers.GOLD.from is "GOLD"'],
    [{ GOLD: { from: 'MAX' }, MAX: WHOLE }, 'or an earlier tier'],
    [{ GOLD: { from: 'ANONYMOUS' } }, 'tiers.GOLD.from is "ANONYMOUS"'],
    [{ GOLD: { from: 1 } }, 'tiers.GOLD.from is 1'],
    [{ GROWTH: { from: 'STARTER' } }, 'tiers.GROWTH: there is no option "from"'],
    [{ ANONYMOUS: { was: 'NOBODY' } }, 'tiers.ANONYMOUS: there is no option "was"'],
    [
      { GOLD: { was: 'GROWTH' }, GROWTH: {} },
      'tiers.GOLD.was names GROWTH, which is defined, too. Remove one of them.',
    ],
    [{ GOLD: { ...WHOLE, was: 'GOLD' } }, 'tiers.GOLD.was names GOLD, which is defined, too.'],
    [
      { A: { was: 'GROWTH' }, B: { was: 'GROWTH' } },
      'tiers.B.was names GROWTH, as tiers.A.was does. Remove one of them.',
    ],
    [{ GOLD: { ...WHOLE, was: 'old' } }, 'tiers.GOLD.was is "old"'],
    [{ GOLD: { ...WHOLE, was: ['OLD', 5] } }, 'tiers.GOLD.was is a list'],
    [{ GOLD: { was: 'UNPUBLISHED' } }, 'tiers.GOLD.keys is missing'],
    [{ GOLD: { ...WHOLE, burst: undefined } }, 'tiers.GOLD.burst is missing'],
  ])('rejects %j: %s', (definitions, message) => {
    const attempt = () => tierTable(definitions as unknown as TierDefinitions);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(message);
  });

  it('rejects unknown options', () => {
    expect(() => tierTable({}, { publish: false } as never)).toThrow('there is no option "publish"');
    expect(() => tierTable({}, { published: 'no' } as never)).toThrow('published is "no". Allowed: true or false.');
  });

  it('ignores the place of a removed tier that is not published', () => {
    const table = tierTable({ B: null, FREE_TRIAL: {}, A: { from: 'FREE_TRIAL', was: ['B'] } }, { published: false });
    expect(tiersIn(table)).toEqual(['FREE_TRIAL', 'A']);
  });

  const name = fc.constantFrom('FREE_TRIAL', 'STARTER', 'GROWTH', 'A', 'B', 'C', 'ANONYMOUS', 'VERIFICATION');
  const some = fc.integer({ min: 1, max: 9 });
  const fields = fc.record(
    { keys: some, adminKeys: some, rate: some, burst: some, streams: some },
    { requiredKeys: [] },
  );
  const definition = fc.tuple(fields, fc.boolean(), fc.option(name), fc.option(fc.uniqueArray(name, { maxLength: 2 })));
  const definitions = fc
    .uniqueArray(fc.tuple(name, fc.option(definition, { freq: 6 })), { selector: ([key]) => key, maxLength: 8 })
    .map((entries) =>
      entries.map(([key, value]): [string, TierDefinition | null] => {
        if (value === null) return [key, null];
        const [own, isWhole, from, was] = value;
        return [key, { ...(isWhole ? WHOLE : {}), ...own, ...(from && { from }), ...(was && { was }) }];
      }),
    );

  it('is rejected with a TypeError, or is a complete table with the defined limits, whatever is defined', () => {
    let accepted = 0;
    fc.assert(
      fc.property(definitions, fc.boolean(), (entries, published) => {
        let table;
        try {
          table = tierTable(Object.fromEntries(entries), { published });
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          expect((error as Error).message).toMatch(/^tiers/);
          return;
        }
        accepted += 1;
        checkTierTable(table);
        expect(Object.isFrozen(table)).toBe(true);
        const names = tiersIn(table);
        const renamed = entries.flatMap(([, value]) => value?.was ?? []);
        const defined = entries.filter(([, value]) => value !== null).map(([key]) => key);
        const removed = entries.filter(([, value]) => value === null).map(([key]) => key);
        const expected = new Set([...(published ? tiersIn(TIER_LIMITS) : []), ...defined]);
        for (const gone of [...removed, ...renamed, 'ANONYMOUS', 'VERIFICATION']) expected.delete(gone);
        expect(new Set(names)).toEqual(expected);
        for (const [key, value] of entries) {
          if (value === null) continue;
          const { from: _, was = [], ...own } = value as { from?: string; was?: string[] };
          expect(table[key]).toMatchObject(own);
          for (const earlier of was) expect(tierOf(table, earlier)).toBe(key);
        }
        // Published tiers keep their order, and defined new ones theirs.
        const inOrder = (order: readonly string[]) => order.filter((each) => names.includes(each));
        if (published) expect(names.filter((each) => each in TIER_LIMITS)).toEqual(inOrder(tiersIn(TIER_LIMITS)));
        else expect(names).toEqual(inOrder(defined));
        expect(tierOf(table, 'NEVER')).toBe(names[0]);
        expect(names).toContain(defaultTierOf(table));
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

describe('an unknown tier', () => {
  it('has the limits of the smallest tier, whatever its name', () => {
    for (const stored of ['GOLD', 'ANONYMOUS', 'constructor', '__proto__', '']) {
      expect(tierOf(TIER_LIMITS, stored)).toBe('FREE_TRIAL');
    }
    for (const stored of ['GOLD', 'constructor', '__proto__', '']) {
      expect(rowOf(TIER_LIMITS, stored)).toBe(TIER_LIMITS.FREE_TRIAL);
    }
    expect(rowOf(TIER_LIMITS, 'ANONYMOUS')).toBe(TIER_LIMITS.ANONYMOUS);
  });

  it('is resolved by the current content of a table', () => {
    const table = { ...TIER_LIMITS };
    replaceTable(table, tierTable({ HOBBY: { was: 'STARTER' }, FREE_TRIAL: null }));
    expect(tiersIn(table)).toEqual(['HOBBY', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE']);
    expect([tierOf(table, 'STARTER'), tierOf(table, 'FREE_TRIAL')]).toEqual(['HOBBY', 'HOBBY']);
    replaceTable(table, TIER_LIMITS);
    expect(tiersIn(table)).toEqual(tiersIn(TIER_LIMITS));
    expect(tierOf(table, 'STARTER')).toBe('STARTER');
  });

  it('is not GROWTH for new workspaces, unless there is a GROWTH', () => {
    expect(defaultTierOf(TIER_LIMITS)).toBe('GROWTH');
    expect(defaultTierOf(tierTable({ TEAM: { was: 'GROWTH' } }))).toBe('TEAM');
    expect(defaultTierOf(tierTable({ GROWTH: null }))).toBe('FREE_TRIAL');
  });
});
