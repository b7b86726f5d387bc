import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, attempt, look, refusalOf, statusWith } from './operations.js';

let latchkey: TestService;
beforeAll(async () => {
  latchkey = await startService({
    storeThreads: true,
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
  });
});
afterAll(() => latchkey.close());

const places = async (token: string) =>
  (await latchkey.query('{ workspace { keys { current max } } }', { token })).body.data.workspace.keys;

test('60 concurrent creations on GROWTH leave exactly 10 keys', async () => {
  const { workspace, token } = await act(latchkey, 'createWorkspace', { name: 'Race', tier: 'GROWTH' }, OPERATOR_KEY);
  // Several keys of the operator's workspace, because none may exceed its burst of 100 in a second.
  const creators: string[] = [];
  for (let i = 0; i < 4; i++) creators.push((await createKey(latchkey, { scopes: ['platform'] }, OPERATOR_KEY)).token);
  // As many as a workspace may have in the queue for bcrypt: on a slow machine, further ones would get 503.
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      attempt(
        latchkey,
        'createApiKey',
        { name: `key ${i}`, scopes: ['read:assets'], workspaceId: workspace.id },
        creators[i % creators.length],
      ),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 60 }, () => 200));
  const made = answers.filter(({ body }) => body.data.createApiKey !== null);
  expect(made).toHaveLength(10);
  const refused = answers.filter(({ body }) => body.data.createApiKey === null).map(refusalOf);
  expect(refused).toEqual(Array.from({ length: 50 }, () => ({ code: 'KEY_LIMIT_REACHED', max: 10, current: 10 })));
  expect(await places(token)).toEqual({ current: 10, max: 10 });
  const { body } = await latchkey.query('{ apiKeys { totalCount } }', { token });
  expect(body.data.apiKeys.totalCount).toBe(11);
  for (const answer of made) expect(await statusWith(latchkey, answer.body.data.createApiKey.token)).toBe(200);
});

test('a place is freed immediately by revocation and by expiry', async () => {
  const { token } = await act(latchkey, 'createWorkspace', { name: 'Full', tier: 'GROWTH' }, OPERATOR_KEY);
  const keys = [];
  for (let i = 0; i < 10; i++) keys.push(await createKey(latchkey, {}, token));
  const full = await attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'] }, token);
  expect([full.status, full.body.data, refusalOf(full)]).toEqual([
    200,
    { createApiKey: null },
    { code: 'KEY_LIMIT_REACHED', max: 10, current: 10 },
  ]);
  await act(latchkey, 'revokeApiKey', { id: keys[0]?.id }, token);
  await createKey(latchkey, {}, token);
  await act(latchkey, 'expireApiKey', { id: keys[1]?.id, at: '2001-01-01T00:00:00Z' }, token);
  await createKey(latchkey, {}, token);
  expect(await places(token)).toEqual({ current: 10, max: 10 });
});

test('FREE_TRIAL rotates its one key: a family in overlap counts once', async () => {
  const { workspace, token, apiKey } = await act(
    latchkey,
    'createWorkspace',
    { name: 'Trial', tier: 'FREE_TRIAL' },
    OPERATOR_KEY,
  );
  const admin = await act(latchkey, 'rotateApiKey', { id: apiKey.id }, token);
  expect(await look(latchkey, admin.apiKey.id, OPERATOR_KEY)).toMatchObject({ replaces: { id: apiKey.id } });
  const key = await createKey(latchkey, {}, admin.token);
  const rotated = await act(latchkey, 'rotateApiKey', { id: key.id }, OPERATOR_KEY);
  expect(await look(latchkey, rotated.apiKey.id, OPERATOR_KEY)).toMatchObject({ replaces: { id: key.id } });
  const more = await attempt(
    latchkey,
    'createApiKey',
    { name: 'x', scopes: ['read:all'], workspaceId: workspace.id },
    OPERATOR_KEY,
  );
  expect(refusalOf(more)).toEqual({ code: 'KEY_LIMIT_REACHED', max: 1, current: 1 });
});

describe('R11: a workspace of a small tier', () => {
  const COUNTS = `query ($id: ID!) {
    workspace(id: $id) { keys { current max admin { current max } } }
    tiers { tier keys adminKeys }
  }`;
  // All with the operator's key, because small tiers have small limits.
  const given = async (tier: string) =>
    (await act(latchkey, 'createWorkspace', { name: 'Small', tier }, OPERATOR_KEY)).workspace.id as string;
  const create = (workspaceId: string, scopes: string[]) =>
    attempt(latchkey, 'createApiKey', { name: 'x', scopes, workspaceId }, OPERATOR_KEY);
  const update = (id: string, scopes: string[]) => attempt(latchkey, 'updateApiKey', { id, scopes }, OPERATOR_KEY);

  it.each(['FREE_TRIAL', 'STARTER'] as const)('R11: %s has its key next to its admin keys', async (tier) => {
    const id = await given(tier);
    const { body } = await create(id, ['read:all']);
    expect(await statusWith(latchkey, body.data.createApiKey.token)).toBe(200);
    expect(refusalOf(await create(id, ['read:all']))).toEqual({ code: 'KEY_LIMIT_REACHED', max: 1, current: 1 });
    const counts = await latchkey.query(COUNTS, { variables: { id }, token: OPERATOR_KEY });
    expect(counts.body.data.workspace.keys).toEqual({ current: 1, max: 1, admin: { current: 1, max: 2 } });
    expect(counts.body.data.tiers).toContainEqual({ tier, keys: 1, adminKeys: 2 });
  });

  it('R11: refuses scopes that need a place of the other kind if none is left', async () => {
    const id = await given('STARTER');
    const admin = (await create(id, ['admin'])).body.data.createApiKey.apiKey;
    const key = (await create(id, ['read:all'])).body.data.createApiKey.apiKey;
    const third = await create(id, ['admin']);
    expect(refusalOf(third)).toEqual({ code: 'KEY_LIMIT_REACHED', max: 2, current: 2 });
    expect(third.body.errors[0].message).toContain('admin keys that');
    const more = ['admin', 'read:all'];
    expect(refusalOf(await update(admin.id, more))).toEqual({ code: 'KEY_LIMIT_REACHED', max: 1, current: 1 });
    expect(refusalOf(await update(key.id, ['admin']))).toEqual({ code: 'KEY_LIMIT_REACHED', max: 2, current: 2 });
    expect(await look(latchkey, admin.id, OPERATOR_KEY)).toMatchObject({ scopes: ['admin'] });
    await act(latchkey, 'revokeApiKey', { id: key.id }, OPERATOR_KEY);
    expect((await update(admin.id, more)).body.data.updateApiKey.apiKey.scopes).toEqual(more);
  });
});

describe('a change of tier', () => {
  it('applies to the next request of existing keys, without resetting their windows', async () => {
    const { workspace, token } = await act(
      latchkey,
      'createWorkspace',
      { name: 'T', tier: 'ENTERPRISE' },
      OPERATOR_KEY,
    );
    const rate = async () =>
      (await latchkey.query('{ viewer { limits { tier rate { limit remaining } } } }', { token })).body;
    for (let i = 0; i < 4; i++) await statusWith(latchkey, token);
    expect((await rate()).data.viewer.limits).toEqual({ tier: 'ENTERPRISE', rate: { limit: 5000, remaining: 4995 } });

    await act(latchkey, 'setWorkspaceTier', { workspaceId: workspace.id, tier: 'PROFESSIONAL' }, OPERATOR_KEY);
    expect((await rate()).data.viewer.limits).toEqual({ tier: 'PROFESSIONAL', rate: { limit: 1000, remaining: 994 } });

    // Six of a burst of two are used: refused immediately, not seven requests later.
    await act(latchkey, 'setWorkspaceTier', { workspaceId: workspace.id, tier: 'FREE_TRIAL' }, OPERATOR_KEY);
    const refused = await latchkey.query('{ viewer { scopes } }', { token });
    expect([refused.status, refusalOf(refused)]).toEqual([
      429,
      expect.objectContaining({ code: 'RATE_LIMITED', limit: 2, window: 1 }),
    ]);

    await act(latchkey, 'setWorkspaceTier', { workspaceId: workspace.id, tier: 'GROWTH' }, OPERATOR_KEY);
    expect((await rate()).data.viewer.limits).toEqual({ tier: 'GROWTH', rate: { limit: 500, remaining: 493 } });
  });

  it('below the number of active keys ends no key, but prevents creating keys', async () => {
    const { workspace, token } = await act(
      latchkey,
      'createWorkspace',
      { name: 'D', tier: 'ENTERPRISE' },
      OPERATOR_KEY,
    );
    const keys = [];
    for (let i = 0; i < 12; i++) keys.push(await createKey(latchkey, {}, token));
    const { workspace: lowered } = await act(
      latchkey,
      'setWorkspaceTier',
      { workspaceId: workspace.id, tier: 'GROWTH' },
      OPERATOR_KEY,
    );
    expect(lowered).toMatchObject({ tier: 'GROWTH', keys: { current: 12, max: 10 } });
    expect(await statusWith(latchkey, keys[0]?.token ?? '')).toBe(200);
    const answer = await attempt(
      latchkey,
      'createApiKey',
      { name: 'x', scopes: ['read:all'], workspaceId: workspace.id },
      OPERATOR_KEY,
    );
    expect(refusalOf(answer)).toEqual({ code: 'KEY_LIMIT_REACHED', max: 10, current: 12 });
  });

  it('of a workspace that does not exist is NOT_FOUND', async () => {
    for (const workspaceId of ['ws_nowhere', '', 'ws_\0', '\ud800']) {
      const answer = await attempt(latchkey, 'setWorkspaceTier', { workspaceId, tier: 'GROWTH' }, OPERATOR_KEY);
      expect(refusalOf(answer)).toEqual({ code: 'NOT_FOUND' });
    }
  });
});
