import { tierTable } from '../../src/core/limits/tierTable.js';
import type { TierLimits } from '../../src/core/limits/tiers.js';
import type { Quota, QuotaSubject } from '../../src/core/quotas/quota.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { openStream } from '../support/streams.js';
import { at, DAY, NOON, startFrozen, type FrozenService } from './frozen.js';
import { act } from './operations.js';

const ASK = '{ viewer { scopes } }';

const open: FrozenService[] = [];
afterEach(() => Promise.all(open.splice(0).map((service) => service.close())));

const monthly = (limit: number, subject: QuotaSubject, fields: Partial<Quota> = {}): Quota => ({
  ...{ window: 'month', unit: 'requests', subject, limit },
  ...fields,
});

async function start(growth: Partial<TierLimits>): Promise<FrozenService> {
  const tiers = tierTable({ GROWTH: { keys: null, rate: 1_000, burst: 1_000, ...growth } });
  const service = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY }, tiers });
  open.push(service);
  return service;
}

/** Sends requests until one is refused, and returns the number that were admitted. */
async function admitted(service: FrozenService, token: string): Promise<number> {
  for (let count = 0; ; count += 1) if ((await service.query(ASK, { token })).status !== 200) return count;
}

interface Owned {
  readonly service: FrozenService;
  /** Two keys with the same subject, and one with another. */
  readonly one: { readonly id: string; readonly token: string };
  readonly other: { readonly id: string; readonly token: string };
  readonly apart: { readonly token: string };
  readonly subject: object;
}

/** Creates keys with a common subject. */
async function owned(subject: QuotaSubject, growth: Partial<TierLimits>): Promise<Owned> {
  const service = await start(growth);
  const { workspace, token: admin } = await act(
    service,
    'createWorkspace',
    { name: 'w', tier: 'GROWTH' },
    OPERATOR_KEY,
  );
  const { workspace: elsewhere } = await act(service, 'createWorkspace', { name: 'e', tier: 'GROWTH' }, OPERATOR_KEY);
  const { project } = await act(service, 'createProject', { name: 'Shop' }, admin);
  const key = (input: object) =>
    createKey(service, { scopes: ['read:assets'], workspaceId: workspace.id, ...input }, OPERATOR_KEY);
  const common = { owner: { externalId: 'acme' }, project: { projectId: project.id }, key: {}, workspace: {} }[subject];
  const one = await key(common);
  const other = subject === 'key' ? one : await key(common);
  const apart = await key(subject === 'workspace' ? { workspaceId: elsewhere.id } : {});
  const named = {
    key: { type: 'API_KEY', id: one.id },
    owner: { type: 'EXTERNAL_ID', id: 'acme', workspaceId: workspace.id },
    project: { type: 'PROJECT', id: project.id },
    workspace: { type: 'WORKSPACE', id: workspace.id },
  }[subject];
  return { service, one, other, apart, subject: named };
}

describe.each(['key', 'owner', 'project', 'workspace'] as const)('the quota of a %s', (of) => {
  test('is shared by its keys, and no other ones', async () => {
    const { service, one, other, apart } = await owned(of, { quotas: [monthly(4, of)] });
    expect((await service.query(ASK, { token: one.token })).status).toBe(200);
    expect(await admitted(service, other.token)).toBe(3);
    expect(await admitted(service, one.token)).toBe(0);
    expect(await admitted(service, apart.token)).toBe(4);
  });

  test('P07: is overridden until exactly the end, and what was used then still counts', async () => {
    const { service, one, other, apart, subject } = await owned(of, { quotas: [monthly(2, of)] });
    const until = NOON + DAY;
    const quotas = [{ window: 'MONTH', limit: 5 }];
    const { override } = await act(service, 'setLimits', { subject, quotas, until: at(until) }, OPERATOR_KEY);
    expect(override).toMatchObject({ until: at(until), active: true });
    service.pass(DAY - 1);
    expect(await admitted(service, one.token)).toBe(5);
    expect(await admitted(service, apart.token)).toBe(2);
    service.pass(1);
    const refused = await service.query(ASK, { token: other.token });
    expect(refused.body.errors[0].extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', limit: 2, used: 5, subject: of });
    await act(service, 'setLimits', { subject, quotas: [{ window: 'MONTH', limit: 6 }] }, OPERATOR_KEY);
    service.pass(1_000);
    expect(await admitted(service, one.token)).toBe(1);
  });
});

test('limits show what is in force, and whether it comes from the tier or from an override', async () => {
  const cost = { max: 50, rate: 500, burst: 400 };
  const { service, one, subject } = await owned('owner', { quotas: [monthly(2, 'owner'), monthly(9, 'key')], cost });
  const end = at(NOON + DAY);
  const quotas = [{ window: 'MONTH', limit: 5 }];
  await act(service, 'setLimits', { subject, quotas, until: end }, OPERATOR_KEY);
  const shown = async () => {
    const fields = 'quotas { subject limit source until } cost { max rate { limit source } burst { limit source } }';
    const { body } = await service.query(`query ($id: ID!) { apiKey(id: $id) { limits { ${fields} } } }`, {
      token: OPERATOR_KEY,
      variables: { id: one.id },
    });
    return body.data.apiKey.limits;
  };
  const ofTier = { source: 'TIER', until: null };
  const ofCost = { max: 50, rate: { limit: 500, source: 'TIER' }, burst: { limit: 400, source: 'TIER' } };
  const during = await shown();
  expect(during.cost).toEqual(ofCost);
  expect(during.quotas).toEqual(
    expect.arrayContaining([
      { subject: 'OWNER', limit: 5, source: 'OVERRIDE', until: end },
      { subject: 'KEY', limit: 9, ...ofTier },
    ]),
  );
  service.pass(DAY);
  expect((await shown()).quotas).toEqual([
    { subject: 'OWNER', limit: 2, ...ofTier },
    { subject: 'KEY', limit: 9, ...ofTier },
  ]);
});

test('an override of quotas leaves those of other subjects, and an empty list removes them', async () => {
  const { service, one, subject } = await owned('key', { quotas: [monthly(2, 'key'), monthly(3, 'workspace')] });
  await act(service, 'setLimits', { subject, quotas: [] }, OPERATOR_KEY);
  service.pass(1_000);
  expect(await admitted(service, one.token)).toBe(3);
});

test('a quota in cost units takes what a response has cost, and refuses by the estimate', async () => {
  const service = await start({ quotas: [monthly(100, 'key', { unit: 'cost' })] });
  const { token } = await createKey(service, { scopes: ['read:assets'] }, OPERATOR_KEY);
  const many = (first: number) => service.query(`{ assets(first: ${first}) { name } }`, { token });
  const used = async (): Promise<number> => {
    const { body } = await service.query('{ viewer { limits { quotas { used } } } }', { token });
    return body.data.viewer.limits.quotas[0].used;
  };
  const before = await used();
  const each = (await used()) - before;
  // The store is empty: the estimate of 52 is taken, and 50 are given back.
  expect((await many(50)).status).toBe(200);
  expect((await used()) - before).toBe(2 * each + 2);
  const refused = await many(99);
  expect(refused.body.errors[0].extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', unit: 'cost', limit: 100 });
  expect((await used()) - before).toBe(3 * each + 2);
});

test('the thresholds of a quota are events of a stream', async () => {
  const service = await start({ quotas: [monthly(5, 'key')] });
  const admin = await createKey(service, { scopes: ['admin'] }, OPERATOR_KEY);
  const { id, token } = await createKey(service, { scopes: ['read:assets'] }, OPERATOR_KEY);
  const stream = await openStream(
    service.origin,
    'subscription { keyEvents { type keyId quota { window subject limit percent } } }',
    { token: admin.token },
  );
  await admitted(service, token);
  const events = (await stream.first(2)).map(({ data }) => data.keyEvents);
  const common = { type: 'QUOTA_USED', keyId: id };
  const quota = { window: 'MONTH', subject: 'KEY', limit: 5 };
  expect(events).toEqual([
    { ...common, quota: { ...quota, percent: 80 } },
    { ...common, quota: { ...quota, percent: 100 } },
  ]);
  stream.close();
});
