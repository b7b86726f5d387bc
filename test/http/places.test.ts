import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, attempt, look, refusalOf, statusWith } from './operations.js';

let latchkey: TestService;
beforeAll(async () => {
  latchkey = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
});
afterAll(() => latchkey.close());

const places = async (token: string) =>
  (await latchkey.query('{ workspace { keys { current max } } }', { token })).body.data.workspace.keys;

test('200 concurrent creations on GROWTH leave exactly 10 keys', async () => {
  const { workspace, token } = await act(latchkey, 'createWorkspace', { name: 'Race', tier: 'GROWTH' }, OPERATOR_KEY);
  // Several keys of the operator's workspace, for none may ask more than its burst of 100 in a second.
  const creators: string[] = [];
  for (let i = 0; i < 4; i++) creators.push((await createKey(latchkey, { scopes: ['platform'] }, OPERATOR_KEY)).token);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      attempt(
        latchkey,
        'createApiKey',
        { name: `key ${i}`, scopes: ['read:assets'], workspaceId: workspace.id },
        creators[i % creators.length],
      ),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 200 }, () => 200));
  const made = answers.filter(({ body }) => body.data.createApiKey !== null);
  expect(made).toHaveLength(9);
  const refused = answers.filter(({ body }) => body.data.createApiKey === null).map(refusalOf);
  expect(refused).toEqual(Array.from({ length: 191 }, () => ({ code: 'KEY_LIMIT_REACHED', max: 10, current: 10 })));
  expect(await places(token)).toEqual({ current: 10, max: 10 });
  const { body } = await latchkey.query('{ apiKeys { totalCount } }', { token });
  expect(body.data.apiKeys.totalCount).toBe(10);
  for (const answer of made) expect(await statusWith(latchkey, answer.body.data.createApiKey.token)).toBe(200);
});

test('a place is freed by revocation and by expiry, at once', async () => {
  const { token } = await act(latchkey, 'createWorkspace', { name: 'Full', tier: 'GROWTH' }, OPERATOR_KEY);
  const keys = [];
  for (let i = 0; i < 9; i++) keys.push(await createKey(latchkey, {}, token));
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
  const rotated = await act(latchkey, 'rotateApiKey', { id: apiKey.id }, token);
  expect(await look(latchkey, rotated.apiKey.id, OPERATOR_KEY)).toMatchObject({ replaces: { id: apiKey.id } });
  const more = await attempt(
    latchkey,
    'createApiKey',
    { name: 'x', scopes: ['read:all'], workspaceId: workspace.id },
    OPERATOR_KEY,
  );
  expect(refusalOf(more)).toEqual({ code: 'KEY_LIMIT_REACHED', max: 1, current: 1 });
});

describe('a change of tier', () => {
  it('acts on the next request of existing keys, without resetting what they have used', async () => {
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

    // Six of a burst of two are used: refused at once, and not seven requests later.
    await act(latchkey, 'setWorkspaceTier', { workspaceId: workspace.id, tier: 'FREE_TRIAL' }, OPERATOR_KEY);
    const refused = await latchkey.query('{ viewer { scopes } }', { token });
    expect([refused.status, refusalOf(refused)]).toEqual([
      429,
      expect.objectContaining({ code: 'RATE_LIMITED', limit: 2, window: 1 }),
    ]);

    await act(latchkey, 'setWorkspaceTier', { workspaceId: workspace.id, tier: 'GROWTH' }, OPERATOR_KEY);
    expect((await rate()).data.viewer.limits).toEqual({ tier: 'GROWTH', rate: { limit: 500, remaining: 493 } });
  });

  it('below the number of living keys ends none of them, and lets none be made', async () => {
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
    expect(lowered).toMatchObject({ tier: 'GROWTH', keys: { current: 13, max: 10 } });
    expect(await statusWith(latchkey, keys[0]?.token ?? '')).toBe(200);
    const answer = await attempt(
      latchkey,
      'createApiKey',
      { name: 'x', scopes: ['read:all'], workspaceId: workspace.id },
      OPERATOR_KEY,
    );
    expect(refusalOf(answer)).toEqual({ code: 'KEY_LIMIT_REACHED', max: 10, current: 13 });
  });

  it('of a workspace that is not there is NOT_FOUND', async () => {
    for (const workspaceId of ['ws_nowhere', '', 'ws_\0', '\ud800']) {
      const answer = await attempt(latchkey, 'setWorkspaceTier', { workspaceId, tier: 'GROWTH' }, OPERATOR_KEY);
      expect(refusalOf(answer)).toEqual({ code: 'NOT_FOUND' });
    }
  });
});
