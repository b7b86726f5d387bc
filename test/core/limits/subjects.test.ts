import { Limiter } from '../../../src/core/limits/limiter.js';
import { KeyOverrides } from '../../../src/core/limits/overrides.js';
import { subjectOfKey, type Limited } from '../../../src/core/limits/subjects.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { type TierTable } from '../../../src/core/limits/tiers.js';
import type { LimitOverride } from '../../../src/core/store/records.js';
import { EventMeter } from '../../../src/core/streams/eventMeter.js';
import { authenticated } from '../../../src/core/auth/principal.js';

const plain = tierTable();
const shared = tierTable({
  GROWTH: {
    owner: { rate: 50, burst: 5 },
    project: { rate: 60, burst: 6 },
    workspace: { rate: 70, burst: 7 },
  },
});

const clock = { now: 1_000 };
beforeEach(() => (clock.now = 1_000));

function aKey(fields: Partial<Limited> = {}): Limited {
  return {
    keyId: 'key_1',
    familyId: 'fam_1',
    tier: 'GROWTH',
    workspaceId: 'ws',
    projectId: 'prj_1',
    userId: 'usr_1',
    ...fields,
  };
}

function override(kind: LimitOverride['kind'], fields: Partial<LimitOverride> = {}): LimitOverride {
  const none = { rate: null, burst: null, quotas: null, until: null, reason: null, setBy: null, setAt: 0 };
  return { workspaceId: 'ws', kind, subjectId: 'x', ...none, ...fields };
}

const overriding = (...records: readonly LimitOverride[]) => ({
  overrides: new KeyOverrides(records, () => clock.now),
});

const namesOf = (key: Limited, tiers: TierTable = shared) =>
  (subjectOfKey(key, tiers).shared ?? []).map(({ of, name, rate, burst }) => `${of} ${name} ${rate} ${burst}`);

test('a key of a tier without shared limits only has its own windows', () => {
  expect(subjectOfKey(aKey(), plain, 'read')).toEqual({ family: 'fam_1', tier: 'GROWTH', category: 'read' });
});

test('a key shares windows with its owner, project and workspace, if it has them', () => {
  expect(namesOf(aKey())).toEqual([
    'owner owner/usr_1 50 5',
    'project project/prj_1 60 6',
    'workspace workspace/ws 70 7',
  ]);
  expect(namesOf(aKey({ projectId: null, userId: null }))).toEqual(['workspace workspace/ws 70 7']);
});

test('the external ID is the owner instead of the user, within the workspace', () => {
  expect(namesOf(aKey({ externalId: 'acme' }))[0]).toBe('owner owner/ws/acme 50 5');
  expect(namesOf(aKey({ externalId: 'acme', workspaceId: 'ws_2' }))[0]).toBe('owner owner/ws_2/acme 50 5');
});

test('is resolved once for a key and category, and again after a reload', () => {
  const key = aKey();
  const tiers = { ...shared };
  expect(subjectOfKey(key, tiers)).toBe(subjectOfKey(key, tiers));
  expect(subjectOfKey(key, tiers, 'write')).toBe(subjectOfKey(key, tiers, 'write'));
  expect(subjectOfKey(key, tiers, 'write')).toMatchObject({ category: 'write', shared: [{}, {}, {}] });
  Object.assign(tiers, tierTable({ GROWTH: { owner: { rate: 1, burst: 1 } } }));
  expect(namesOf(key, tiers)).toEqual(['owner owner/usr_1 1 1']);
});

describe('overrides', () => {
  it('replace single numbers of the key, and of windows that the tier does not have', () => {
    const key = aKey(
      overriding(override('key', { rate: 9 }), override('project', { rate: 8 }), override('workspace', { burst: 3 })),
    );
    const { limits } = subjectOfKey(key, plain);
    expect(limits).toEqual({ ...plain.GROWTH, rate: 9 });
    expect(limits).toBe(subjectOfKey(key, plain).limits);
    expect(namesOf(key, plain)).toEqual(['project project/prj_1 8 8', 'workspace workspace/ws 180 3']);
  });

  it('of an external ID and of a user are the limits of the owner', () => {
    expect(namesOf(aKey(overriding(override('user', { burst: 2 }))))[0]).toBe('owner owner/usr_1 50 2');
    const key = aKey({ externalId: 'acme', ...overriding(override('external', { burst: 2 })) });
    expect(namesOf(key)[0]).toBe('owner owner/ws/acme 50 2');
  });

  it('P07: end exactly at their end, each at its own time', () => {
    const key = aKey(
      overriding(override('key', { rate: 9, until: 2_000 }), override('user', { rate: 8, until: 3_000 })),
    );
    const rates = () => {
      const { limits, shared: [owner] = [] } = subjectOfKey(key, shared);
      return [limits?.rate, owner?.rate];
    };
    expect(rates()).toEqual([9, 8]);
    clock.now = 1_999;
    expect(rates()).toEqual([9, 8]);
    clock.now = 2_000;
    expect(rates()).toEqual([undefined, 8]);
    clock.now = 3_000;
    expect(rates()).toEqual([undefined, 50]);
  });

  it('P07: end for an open stream, whose principal does not change', async () => {
    const limits = new Limiter({ clock: () => clock.now, tiers: plain });
    const { overrides } = overriding(override('key', { rate: 3, burst: 3, until: 2_000 }));
    const principal = authenticated({
      ...aKey(),
      kind: 'key',
      keyId: 'key_1',
      keyType: 'SECRET',
      scopes: [],
      overrides,
    });
    const options = { limits, cost: 1, category: 'read', admitted: () => undefined, refused: () => undefined } as const;
    const meter = new EventMeter(options);
    for (let i = 0; i < 3; i += 1) await meter.take(principal);
    clock.now = 1_999;
    await expect(meter.take(principal)).rejects.toMatchObject({ details: { code: 'RATE_LIMITED', limit: 3 } });
    clock.now = 2_000;
    await meter.take(principal);
    expect(limits.peek({ family: 'fam_1', tier: 'GROWTH' })).toMatchObject({ rate: { limit: 500, remaining: 496 } });
    limits.close();
  });
});
