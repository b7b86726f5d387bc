import { tierTable } from '../../src/core/limits/tierTable.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { act, attempt } from './operations.js';

const tiers = tierTable({
  GROWTH: { keys: null, rate: 100, burst: 20, owner: { rate: 30, burst: 6 } },
  PROFESSIONAL: {
    keys: null,
    rate: 100,
    burst: 20,
    owner: { rate: 60, burst: 12 },
    workspace: { rate: 90, burst: 80 },
  },
});
const READ = '{ viewer { scopes } }';
const OWNER = { id: '', token: '' };

let latchkey: FrozenService;
let workspaceId: string;
beforeEach(async () => {
  latchkey = await startFrozen({ tiers, env: { ADMIN_API_KEY: OPERATOR_KEY } });
  const created = await act(latchkey, 'createWorkspace', { name: 'Shop', tier: 'GROWTH' }, OPERATOR_KEY);
  workspaceId = created.workspace.id;
});
afterEach(() => latchkey.close());

async function keys(count: number, input: object = {}): Promise<{ id: string; token: string }[]> {
  const made: { id: string; token: string }[] = [];
  for (let i = 0; i < count; i += 1) {
    latchkey.pass(1_000);
    made.push(await createKey(latchkey, { scopes: ['read:all'], workspaceId, ...input }, OPERATOR_KEY));
  }
  latchkey.pass(60_000);
  return made;
}

const read = (token: string) => latchkey.query(READ, { token });
const statuses = async (tokens: readonly string[]) => {
  const found: number[] = [];
  for (const token of tokens) found.push((await read(token)).status);
  return found;
};
const setLimits = (input: object) => act(latchkey, 'setLimits', input, OPERATOR_KEY);

describe('P01: the limit of a customer is not multiplied by keys', () => {
  it('P01: ten keys of one external ID together have one limit', async () => {
    const made = await keys(10, { externalId: 'acme' });
    const found = await statuses(made.map(({ token }) => token));
    expect(found).toEqual([200, 200, 200, 200, 200, 200, 429, 429, 429, 429]);
    const { headers, body } = await read(made[9]?.token ?? '');
    expect(headers.get('ratelimit-policy')).toBe(
      '"burst";q=20;w=1, "rate";q=100;w=60, "owner-burst";q=6;w=1, "owner-rate";q=30;w=60',
    );
    expect(headers.get('ratelimit')).toBe('"owner-burst";r=0;t=1');
    expect(body.errors[0].message).toBe(
      'Rate limit exceeded: 6 requests per second for all keys of this owner. Try again in 1 s or ask for a higher tier.',
    );
    const { code, subject, limit, window } = body.errors[0].extensions;
    expect([code, subject, limit, window]).toEqual(['RATE_LIMITED', 'owner', 6, 1]);
  });

  it('P01: keys of a user, and keys with the external ID of the user, have one limit', async () => {
    const admin = await createKey(latchkey, { scopes: ['admin'], workspaceId }, OPERATOR_KEY);
    const { user } = await act(
      latchkey,
      'addUser',
      { name: 'Ada', roles: ['viewer'], externalId: 'acme' },
      admin.token,
    );
    const made = [...(await keys(3, { userId: user.id })), ...(await keys(4, { externalId: 'acme' }))];
    expect(await statuses(made.map(({ token }) => token))).toEqual([200, 200, 200, 200, 200, 200, 429]);
  });

  it('P01: keys of other owners, and keys without an owner, have their own', async () => {
    const made = [
      ...(await keys(6, { externalId: 'acme' })),
      ...(await keys(1, { externalId: 'zeta' })),
      ...(await keys(1)),
    ];
    expect(await statuses([...made, ...made].map(({ token }) => token))).toEqual([
      ...Array<number>(8).fill(200),
      ...Array<number>(6).fill(429),
      200,
      200,
    ]);
  });
});

test('P04: a refused request is not charged', async () => {
  const [one = OWNER, other = OWNER] = await keys(2, { externalId: 'acme' });
  // The key's own windows refuse: nothing is taken from the owner.
  await setLimits({ subject: { type: 'API_KEY', id: one.id }, burst: 2 });
  expect(await statuses(Array<string>(8).fill(one.token))).toEqual([200, 200, ...Array<number>(6).fill(429)]);
  expect(await statuses(Array<string>(5).fill(other.token))).toEqual([200, 200, 200, 200, 429]);
  latchkey.pass(1_000);
  // The owner's windows refuse: nothing is taken from the key.
  expect(await statuses(Array<string>(8).fill(other.token))).toEqual([...Array<number>(6).fill(200), 429, 429]);
  latchkey.pass(1_000);
  const answer = await latchkey.query('{ viewer { limits { rate { remaining } shared { rate { remaining } } } } }', {
    token: other.token,
  });
  expect(answer.body.data.viewer.limits).toEqual({
    rate: { remaining: 100 - 4 - 6 - 1 },
    shared: [{ rate: { remaining: 30 - 2 - 4 - 6 - 1 } }],
  });
});

test('P05: a window does not reset when the tier or an override changes', async () => {
  const [key = OWNER] = await keys(1, { externalId: 'acme' });
  expect(await statuses(Array<string>(6).fill(key.token))).toEqual(Array<number>(6).fill(200));
  await act(latchkey, 'setWorkspaceTier', { workspaceId, tier: 'PROFESSIONAL' }, OPERATOR_KEY);
  const first = await read(key.token);
  expect(first.headers.get('ratelimit')).toBe('"owner-rate";r=53;t=60');
  await setLimits({ subject: { type: 'EXTERNAL_ID', id: 'acme', workspaceId }, rate: 40, burst: 9 });
  expect((await read(key.token)).headers.get('ratelimit')).toBe('"owner-rate";r=32;t=60');
  expect(await statuses([key.token, key.token])).toEqual([200, 429]);
  await setLimits({ subject: { type: 'EXTERNAL_ID', id: 'acme', workspaceId } });
  expect((await read(key.token)).headers.get('ratelimit')).toBe('"owner-rate";r=50;t=60');
});

describe('P07: an override ends', () => {
  it('P07: exactly at its end, even for a cached key', async () => {
    const [key = OWNER] = await keys(1);
    const { override } = await setLimits({
      subject: { type: 'API_KEY', id: key.id },
      rate: 500,
      burst: 200,
      until: new Date(latchkey.clock.now + 10_000).toISOString(),
      reason: 'Launch day',
    });
    expect(override).toMatchObject({ type: 'API_KEY', rate: 500, burst: 200, active: true, reason: 'Launch day' });
    const fields = '{ viewer { limits { rate { limit source until } burst { limit source } } } }';
    const during = await latchkey.query(fields, { token: key.token });
    expect(during.headers.get('ratelimit-policy')).toBe('"burst";q=200;w=1, "rate";q=500;w=60');
    expect(during.body.data.viewer.limits).toEqual({
      rate: { limit: 500, source: 'OVERRIDE', until: override.until },
      burst: { limit: 200, source: 'OVERRIDE' },
    });
    latchkey.pass(9_999);
    expect((await read(key.token)).headers.get('ratelimit-policy')).toBe('"burst";q=200;w=1, "rate";q=500;w=60');
    latchkey.pass(1);
    expect((await read(key.token)).headers.get('ratelimit-policy')).toBe('"burst";q=20;w=1, "rate";q=100;w=60');
    const after = await latchkey.query(fields, { token: key.token });
    expect(after.body.data.viewer.limits.rate).toEqual({ limit: 100, source: 'TIER', until: null });
  });

  it('P07: is rejected with an end that has passed', async () => {
    const until = new Date(latchkey.clock.now - 1).toISOString();
    const answer = await attempt(
      latchkey,
      'setLimits',
      { subject: { type: 'WORKSPACE', id: workspaceId }, rate: 5, until },
      OPERATOR_KEY,
    );
    expect(answer.body.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 'until'] });
  });
});

test('limits of a workspace, of a project and of a key apply together, and each shows its source', async () => {
  const admin = await createKey(latchkey, { scopes: ['admin'], workspaceId }, OPERATOR_KEY);
  const { project } = await act(latchkey, 'createProject', { name: 'Orders' }, admin.token);
  const [key = OWNER] = await keys(1, { projectId: project.id });
  await setLimits({ subject: { type: 'PROJECT', id: project.id }, rate: 10 });
  await setLimits({ subject: { type: 'WORKSPACE', id: workspaceId }, burst: 3 });
  const { headers } = await read(key.token);
  expect(headers.get('ratelimit-policy')).toBe(
    '"burst";q=20;w=1, "rate";q=100;w=60, "project-burst";q=10;w=1, "project-rate";q=10;w=60, "workspace-burst";q=3;w=1, "workspace-rate";q=180;w=60',
  );
  expect(headers.get('ratelimit')).toBe('"project-rate";r=9;t=60');
  expect(await statuses([key.token, key.token, key.token])).toEqual([200, 200, 429]);
  const answer = await latchkey.query(
    '{ apiKey(id: "' +
      key.id +
      '") { limits { shared { subject rate { limit remaining source } burst { limit source } } } } }',
    { token: admin.token },
  );
  // The last request comes from the administrator, and counts in the workspace.
  expect(answer.body.data?.apiKey.limits.shared ?? answer.body.errors).toMatchObject([
    { extensions: { code: 'RATE_LIMITED', subject: 'workspace' } },
  ]);
  latchkey.pass(1_000);
  const later = await latchkey.query(
    '{ apiKey(id: "' +
      key.id +
      '") { limits { shared { subject rate { limit remaining source } burst { limit source } } } } }',
    { token: admin.token },
  );
  expect(later.body.data.apiKey.limits.shared).toEqual([
    { subject: 'PROJECT', rate: { limit: 10, remaining: 7, source: 'OVERRIDE' }, burst: { limit: 10, source: 'TIER' } },
    {
      subject: 'WORKSPACE',
      rate: { limit: 180, remaining: 176, source: 'TIER' },
      burst: { limit: 3, source: 'OVERRIDE' },
    },
  ]);
});

test('an override is audited, listed, and kept by a rotation', async () => {
  const [key = OWNER] = await keys(1);
  await setLimits({ subject: { type: 'API_KEY', id: key.id }, rate: 7, reason: 'Abuse' });
  const { token } = await act(latchkey, 'rotateApiKey', { id: key.id }, OPERATOR_KEY);
  expect((await read(token)).headers.get('ratelimit-policy')).toBe('"burst";q=20;w=1, "rate";q=7;w=60');
  const list = await latchkey.query(
    `{ limitOverrides(workspaceId: "${workspaceId}") { nodes { type id rate burst reason setBy active } } }`,
    { token: OPERATOR_KEY },
  );
  expect(list.body.data.limitOverrides.nodes).toEqual([
    {
      type: 'API_KEY',
      id: expect.stringMatching(/^fam_/),
      rate: 7,
      burst: null,
      reason: 'Abuse',
      setBy: 'operator',
      active: true,
    },
  ]);
  await setLimits({ subject: { type: 'API_KEY', id: key.id } });
  const admin = await createKey(latchkey, { scopes: ['admin'], workspaceId }, OPERATOR_KEY);
  const log = await latchkey.query(
    '{ auditLog(first: 5, filter: { actions: [LIMITS_SET, LIMITS_REMOVED] }) { nodes { action subject before after } } }',
    { token: admin.token },
  );
  expect(log.body.data.auditLog.nodes).toMatchObject([
    { action: 'LIMITS_REMOVED', subject: key.id, before: { rate: 7, reason: 'Abuse' }, after: null },
    { action: 'LIMITS_SET', subject: key.id, before: null, after: { rate: 7, burst: null, reason: 'Abuse' } },
  ]);
});

test('setLimits rejects unknown subjects and invalid limits, and callers without the scope platform', async () => {
  const admin = await createKey(latchkey, { scopes: ['admin'], workspaceId }, OPERATOR_KEY);
  const subject = { type: 'WORKSPACE', id: workspaceId };
  const codeOf = async (input: object, token = OPERATOR_KEY) =>
    (await attempt(latchkey, 'setLimits', input, token)).body.errors[0].extensions;
  expect(await codeOf({ subject, rate: 5 }, admin.token)).toMatchObject({ code: 'FORBIDDEN' });
  for (const type of ['API_KEY', 'USER', 'PROJECT', 'WORKSPACE']) {
    expect(await codeOf({ subject: { type, id: 'none_1' }, rate: 5 })).toMatchObject({ code: 'NOT_FOUND' });
  }
  expect(await codeOf({ subject: { type: 'EXTERNAL_ID', id: 'a b' }, rate: 5 })).toMatchObject({
    code: 'BAD_USER_INPUT',
    path: ['input', 'subject', 'id'],
  });
  expect(await codeOf({ subject, rate: 0 })).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 'rate'] });
});
