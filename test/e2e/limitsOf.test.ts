import { tierTable } from '../../src/core/limits/tierTable.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { at, DAY, startFrozen, type FrozenService } from './frozen.js';
import { act } from './operations.js';

const tiers = tierTable({
  GROWTH: {
    ...{ keys: null, rate: 100, burst: 20, owner: { rate: 30, burst: 6 }, cost: { max: 500, rate: 5_000, burst: 900 } },
    quotas: [
      { window: 'month', unit: 'requests', limit: 100, subject: 'owner', anchorDay: 15 },
      { window: 'day', unit: 'requests', limit: 40, subject: 'key' },
      { window: 'hour', unit: 'cost', limit: 9_000, subject: 'workspace' },
    ],
    credits: { unit: 'requests', subject: 'project', refill: { amount: 50, every: 'month' } },
  },
});

let latchkey: FrozenService;
let workspaceId: string;
let admin: string;
beforeEach(async () => {
  latchkey = await startFrozen({ tiers, env: { ADMIN_API_KEY: OPERATOR_KEY } });
  const created = await act(latchkey, 'createWorkspace', { name: 'Shop', tier: 'GROWTH' }, OPERATOR_KEY);
  workspaceId = created.workspace.id;
  admin = created.token;
});
afterEach(() => latchkey.close());

const FIELDS = `type id workspaceId tier
  rate { limit remaining source } burst { limit source }
  quotas { window unit subject limit used remaining resetsAt source until }
  credits { unit balance refill { amount every anchorDay } refillsAt }
  override { rate reason active quotas { window limit } }`;

async function limitsOf(subject: object, token = admin) {
  const { body } = await latchkey.query(
    `query ($subject: LimitSubjectInput!) { limitsOf(subject: $subject) { ${FIELDS} } }`,
    { token, variables: { subject } },
  );
  return body.errors === undefined ? body.data.limitsOf : body.errors[0].extensions;
}

const use = async (token: string, times: number) => {
  for (let i = 0; i < times; i += 1) await latchkey.query('{ viewer { scopes } }', { token });
};
const key = (input: object = {}) => createKey(latchkey, { scopes: ['read:all'], workspaceId, ...input }, OPERATOR_KEY);

test('shows the shared windows and quotas of an external ID, and what its keys have used', async () => {
  const [one, other] = [await key({ externalId: 'cus_1' }), await key({ externalId: 'cus_1' })];
  await use(one.token, 2);
  await use(other.token, 1);
  expect(await limitsOf({ type: 'EXTERNAL_ID', id: 'cus_1' })).toEqual({
    ...{ type: 'EXTERNAL_ID', id: 'cus_1', workspaceId, tier: 'GROWTH' },
    rate: { limit: 30, remaining: 27, source: 'TIER' },
    burst: { limit: 6, source: 'TIER' },
    quotas: [
      {
        ...{ window: 'MONTH', unit: 'REQUESTS', subject: 'OWNER', limit: 100, used: 3, remaining: 97 },
        ...{ resetsAt: '2026-03-15T00:00:00.000Z', source: 'TIER', until: null },
      },
    ],
    credits: null,
    override: null,
  });
});

test('shows those of a user, and of the external ID of a user', async () => {
  const { user: ada } = await act(latchkey, 'addUser', { name: 'Ada', roles: ['viewer'] }, admin);
  const { user: bob } = await act(latchkey, 'addUser', { name: 'Bob', roles: ['viewer'], externalId: 'bob' }, admin);
  for (const [user, type, id] of [
    [ada, 'USER', ada.id],
    [bob, 'EXTERNAL_ID', 'bob'],
  ]) {
    const { token } = await key({ userId: user.id });
    await use(token, 4);
    expect(await limitsOf({ type: 'USER', id: user.id })).toMatchObject({
      ...{ type, id, rate: { remaining: 26 }, quotas: [{ used: 4 }] },
    });
  }
});

test('shows those of a project, of a workspace and of a key', async () => {
  const { project } = await act(latchkey, 'createProject', { name: 'Orders' }, admin);
  const { id, token } = await key({ projectId: project.id });
  await use(token, 5);
  expect(await limitsOf({ type: 'PROJECT', id: project.id })).toMatchObject({
    ...{ type: 'PROJECT', rate: null, burst: null, quotas: [] },
    credits: {
      ...{ unit: 'REQUESTS', balance: 45, refill: { amount: 50, every: 'MONTH', anchorDay: 1 } },
      refillsAt: '2026-04-01T00:00:00.000Z',
    },
  });
  expect(await limitsOf({ type: 'WORKSPACE', id: workspaceId })).toMatchObject({
    ...{ rate: null, credits: null, quotas: [{ window: 'HOUR', unit: 'COST', subject: 'WORKSPACE', limit: 9_000 }] },
  });
  expect(await limitsOf({ type: 'API_KEY', id })).toMatchObject({
    ...{ type: 'API_KEY', id: expect.stringMatching(/^fam_/) },
    ...{ rate: { limit: 100, remaining: 95 }, quotas: [{ window: 'DAY', subject: 'KEY', used: 5 }], credits: null },
  });
});

test('shows an override until it ends, and which limits come from it', async () => {
  const { token } = await key({ externalId: 'cus_1' });
  const subject = { type: 'EXTERNAL_ID', id: 'cus_1', workspaceId };
  const until = at(latchkey.clock.now + DAY);
  await act(
    latchkey,
    'setLimits',
    { subject, rate: 77, quotas: [{ window: 'MONTH', limit: 900 }], until, reason: 'Launch' },
    OPERATOR_KEY,
  );
  await use(token, 1);
  expect(await limitsOf(subject)).toMatchObject({
    rate: { limit: 77, remaining: 76, source: 'OVERRIDE' },
    burst: { limit: 6, source: 'TIER' },
    quotas: [{ limit: 900, used: 1, source: 'OVERRIDE', until }],
    override: { rate: 77, reason: 'Launch', active: true, quotas: [{ window: 'MONTH', limit: 900 }] },
  });
  const own = '{ viewer { limits { quotas { subject limit source until } } } }';
  const { body } = await latchkey.query(own, { token });
  expect(body.data.viewer.limits.quotas).toContainEqual({ subject: 'OWNER', limit: 900, source: 'OVERRIDE', until });
  expect(body.data.viewer.limits.quotas).toContainEqual({ subject: 'KEY', limit: 40, source: 'TIER', until: null });
  latchkey.pass(DAY);
  expect(await limitsOf(subject)).toMatchObject({
    ...{ rate: { limit: 30, source: 'TIER' }, quotas: [{ limit: 100, source: 'TIER', until: null }] },
    override: { rate: 77, active: false },
  });
});

test('shows the limits of the cost, for tiers and keys', async () => {
  const { token } = await key();
  const { body } = await latchkey.query(
    '{ viewer { limits { cost { max rate { limit remaining } burst { limit } } } } tiers { tier cost { max perMinute perSecond } } }',
    { token },
  );
  const { max, rate, burst } = body.data.viewer.limits.cost;
  expect([max, rate.limit, burst.limit]).toEqual([500, 5_000, 900]);
  // The operation itself was taken from the window.
  expect(rate.remaining).toBeLessThan(5_000);
  const costs = Object.fromEntries(
    body.data.tiers.map((tier: { tier: string; cost: unknown }) => [tier.tier, tier.cost]),
  );
  expect(costs.GROWTH).toEqual({ max: 500, perMinute: 5_000, perSecond: 900 });
  expect(costs.STARTER).toBeNull();
});

test('admins read the subjects of their workspace, and keys of a project only that project and its keys', async () => {
  const { project } = await act(latchkey, 'createProject', { name: 'Orders' }, admin);
  const { id } = await key({ projectId: project.id });
  const whole = await key();
  const { workspace, token: stranger } = await act(
    latchkey,
    'createWorkspace',
    { name: 'B', tier: 'GROWTH' },
    OPERATOR_KEY,
  );
  for (const subject of [
    { type: 'WORKSPACE', id: workspaceId },
    { type: 'PROJECT', id: project.id },
    { type: 'API_KEY', id },
    { type: 'EXTERNAL_ID', id: 'cus_1', workspaceId },
  ]) {
    expect(await limitsOf(subject)).toMatchObject({ type: subject.type, workspaceId });
    expect(await limitsOf(subject, OPERATOR_KEY)).toMatchObject({ type: subject.type, workspaceId });
    expect(await limitsOf(subject, stranger)).toBeNull();
  }
  const bound = (await key({ scopes: ['admin'], projectId: project.id })).token;
  expect(await limitsOf({ type: 'PROJECT', id: project.id }, bound)).toMatchObject({ type: 'PROJECT' });
  expect(await limitsOf({ type: 'API_KEY', id }, bound)).toMatchObject({ type: 'API_KEY' });
  expect(await limitsOf({ type: 'API_KEY', id: whole.id }, bound)).toBeNull();
  for (const subject of [
    { type: 'WORKSPACE', id: workspaceId },
    { type: 'EXTERNAL_ID', id: 'cus_1' },
    { type: 'USER', id: 'usr_1' },
  ]) {
    expect(await limitsOf(subject, bound)).toMatchObject({ code: 'FORBIDDEN' });
  }
  expect(await limitsOf({ type: 'EXTERNAL_ID', id: 'a b' })).toMatchObject({
    ...{ code: 'BAD_USER_INPUT', path: ['subject', 'id'] },
  });
  expect(await limitsOf({ type: 'EXTERNAL_ID', id: 'a', workspaceId: workspace.id })).toBeNull();
  expect(await limitsOf({ type: 'WORKSPACE', id: workspace.id, workspaceId })).toMatchObject({
    code: 'BAD_USER_INPUT',
  });
});

test('accepts the ID of an override in place of the ID of a key, even after a rotation, and in another workspace', async () => {
  const { id } = await key();
  const { override } = await act(latchkey, 'setLimits', { subject: { type: 'API_KEY', id }, rate: 7 }, OPERATOR_KEY);
  const { apiKey: successor } = await act(latchkey, 'rotateApiKey', { id }, admin);
  const family = { type: 'API_KEY', id: override.id };
  expect(await limitsOf(family)).toEqual(await limitsOf({ type: 'API_KEY', id: successor.id }));
  expect(await limitsOf(family)).toMatchObject({ id: override.id, rate: { limit: 7, source: 'OVERRIDE' } });

  // The operator belongs to another workspace.
  expect(await limitsOf(family, OPERATOR_KEY)).toBeNull();
  const elsewhere = { ...family, workspaceId };
  expect(await limitsOf(elsewhere, OPERATOR_KEY)).toEqual(await limitsOf(family));
  const { override: changed } = await act(latchkey, 'setLimits', { subject: elsewhere, rate: 9 }, OPERATOR_KEY);
  expect(changed).toMatchObject({ id: override.id, rate: 9 });
  const removed = await act(latchkey, 'setLimits', { subject: elsewhere }, OPERATOR_KEY);
  expect(removed.override).toBeNull();
  expect(await limitsOf({ type: 'API_KEY', id: successor.id })).toMatchObject({ rate: { limit: 100 }, override: null });
  // Without an override, a family has no limits that could be found.
  expect(await limitsOf(family)).toBeNull();
});

test('does not show the override of a key to another workspace, or to a key of a project', async () => {
  const { id } = await key();
  const { override } = await act(latchkey, 'setLimits', { subject: { type: 'API_KEY', id }, rate: 7 }, OPERATOR_KEY);
  const family = { type: 'API_KEY', id: override.id };
  const other = await act(latchkey, 'createWorkspace', { name: 'Other', tier: 'GROWTH' }, OPERATOR_KEY);
  expect(await limitsOf({ ...family, workspaceId }, other.token)).toBeNull();
  const { project } = await act(latchkey, 'createProject', { name: 'Orders' }, admin);
  const { token } = await key({ scopes: ['admin'], projectId: project.id });
  expect(await limitsOf(family, token)).toBeNull();
  expect(await limitsOf(family)).toMatchObject({ rate: { limit: 7 } });
});
