import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, attempt, look } from './operations.js';

let latchkey: TestService;
let mine: string;
let theirs: string;
let theirWorkspace: string;
let theirKey: { token: string; id: string };
const NOBODYS = 'key_0000000000000000';

beforeAll(async () => {
  latchkey = await startService({
    storeThreads: true,
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
  });
  const workspaces = [];
  for (const name of ['Mine', 'Theirs']) {
    workspaces.push(await act(latchkey, 'createWorkspace', { name, tier: 'ENTERPRISE' }, OPERATOR_KEY));
  }
  mine = workspaces[0].token;
  theirs = workspaces[1].token;
  theirWorkspace = workspaces[1].workspace.id;
  theirKey = await createKey(latchkey, { name: 'theirs' }, theirs);
});
afterAll(() => latchkey.close());

describe('an ID of another workspace gets exactly the same response as an unknown ID', () => {
  const later = '2099-01-01T00:00:00Z';
  it.each([
    ['rotateApiKey', (id: string) => ({ id })],
    ['expireApiKey', (id: string) => ({ id, at: later })],
    ['revokeApiKey', (id: string) => ({ id, reason: 'x' })],
    ['updateApiKey', (id: string) => ({ id, name: 'x' })],
    ['updateApiKey', (id: string) => ({ id, scopes: ['platform'] })],
  ] as const)('%s %#', async (mutation, input) => {
    const unknown = await attempt(latchkey, mutation, input(NOBODYS), mine);
    const foreign = await attempt(latchkey, mutation, input(theirKey.id), mine);
    expect(unknown.body.errors[0].extensions).toEqual({ code: 'NOT_FOUND' });
    expect([foreign.status, foreign.text]).toEqual([unknown.status, unknown.text]);
  });

  it.each([
    ['apiKey', 'query ($id: ID!) { apiKey(id: $id) { id name } }'],
    ['workspace', 'query ($id: ID!) { workspace(id: $id) { id name } }'],
    ['apiKeys', 'query ($id: ID!) { apiKeys(workspaceId: $id) { totalCount } }'],
    [
      'createApiKey',
      'mutation ($id: ID!) { createApiKey(input: { name: "x", scopes: ["read:all"], workspaceId: $id }) { token } }',
    ],
  ])('%s', async (field, query) => {
    const foreignId = field === 'apiKey' ? theirKey.id : theirWorkspace;
    const unknown = await latchkey.query(query, { variables: { id: 'ws_0000000000000000' }, token: mine });
    const foreign = await latchkey.query(query, { variables: { id: foreignId }, token: mine });
    expect([foreign.status, foreign.text]).toEqual([unknown.status, unknown.text]);
    expect(unknown.body.data).toEqual({ [field]: null });
  });

  it('these requests changed nothing', async () => {
    expect(await look(latchkey, theirKey.id, theirs)).toMatchObject({
      name: 'theirs',
      status: 'ACTIVE',
      replacedBy: null,
    });
    const { body } = await latchkey.query('{ apiKeys { totalCount } workspace { keys { current } } }', {
      token: theirs,
    });
    expect(body.data).toEqual({ apiKeys: { totalCount: 2 }, workspace: { keys: { current: 1 } } });
  });
});

test('a cursor of another workspace reveals nothing about it', async () => {
  const { body } = await latchkey.query('{ apiKeys { pageInfo { endCursor } } }', { token: theirs });
  const answer = await latchkey.query('query ($after: String) { apiKeys(after: $after) { nodes { name } } }', {
    variables: { after: body.data.apiKeys.pageInfo.endCursor },
    token: mine,
  });
  expect(JSON.stringify(answer.body)).not.toContain('theirs');
});

test('assets of the same name in two workspaces are separate', async () => {
  const register = 'mutation ($o: String) { registerAsset(input: { name: "orders", owner: $o }) { owner } }';
  await latchkey.query(register, { variables: { o: 'them' }, token: theirs });
  const { body } = await latchkey.query('{ asset(name: "orders") { owner } assets { name } }', { token: mine });
  expect(body.data).toEqual({ asset: null, assets: [] });
});

describe('platform can access all workspaces', () => {
  it("with the operator's key and with a key that has the scope, in any workspace", async () => {
    const platform = await createKey(latchkey, { scopes: ['platform'] }, OPERATOR_KEY);
    for (const token of [OPERATOR_KEY, platform.token]) {
      const { body } = await latchkey.query(
        'query ($k: ID!, $w: ID!) { apiKey(id: $k) { name } workspace(id: $w) { name } apiKeys(workspaceId: $w) { totalCount } }',
        { variables: { k: theirKey.id, w: theirWorkspace }, token },
      );
      expect(body.data).toEqual({
        apiKey: { name: 'theirs' },
        workspace: { name: 'Theirs' },
        apiKeys: { totalCount: 2 },
      });
    }
  });

  it('creates, updates, rotates and revokes keys there', async () => {
    const made = await createKey(latchkey, { workspaceId: theirWorkspace }, OPERATOR_KEY);
    await act(latchkey, 'updateApiKey', { id: made.id, name: 'by the operator' }, OPERATOR_KEY);
    const { apiKey } = await act(latchkey, 'rotateApiKey', { id: made.id, overlap: 'PT0S' }, OPERATOR_KEY);
    await act(latchkey, 'revokeApiKey', { id: apiKey.id }, OPERATOR_KEY);
    expect(await look(latchkey, apiKey.id, theirs)).toMatchObject({
      name: 'by the operator',
      status: 'REVOKED',
      createdBy: 'operator',
      replaces: { id: made.id },
    });
  });

  it('is required for workspaces and tiers: an admin is refused', async () => {
    for (const [mutation, input] of [
      ['createWorkspace', { name: 'x', tier: 'ENTERPRISE' }],
      ['setWorkspaceTier', { workspaceId: theirWorkspace, tier: 'ENTERPRISE' }],
    ] as const) {
      const answer = await attempt(latchkey, mutation, input, theirs);
      expect([answer.status, answer.body.errors[0].extensions.missing]).toEqual([403, ['platform']]);
    }
  });
});
