import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, attempt, look, refusalOf } from './operations.js';

let latchkey: TestService;
beforeAll(async () => {
  latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE', AUTH_CACHE_TTL: '60000' } });
});
afterAll(() => latchkey.close());

const addUser = async (...roles: string[]): Promise<string> =>
  (await act(latchkey, 'addUser', { name: 'Ada', roles })).user.id;

const REGISTER = 'mutation { registerAsset(input: { name: "orders" }) { name } }';
const READ = '{ assets { name } }';
const statuses = async (token: string) => [
  (await latchkey.query(READ, { token })).status,
  (await latchkey.query(REGISTER, { token })).status,
  (await latchkey.query('{ apiKeys { totalCount } }', { token })).status,
];

test('002_d4742861a2c680c2: a key can do what both its scopes and its user’s roles allow, from the next request on', async () => {
  const userId = await addUser('admin');
  const { token } = await createKey(latchkey, { name: 'hers', scopes: ['admin'], userId });
  const narrow = await createKey(latchkey, { name: 'narrow', scopes: ['read:all'], userId });
  expect(await statuses(token)).toEqual([200, 200, 200]);
  expect(await statuses(narrow.token)).toEqual([200, 403, 403]);
  for (const [roles, expected, scopes] of [
    [['editor'], [200, 200, 403], ['read:all', 'write:all']],
    [['viewer'], [200, 403, 403], ['read:all']],
    [[], [403, 403, 403], []],
    [['viewer', 'admin'], [200, 200, 200], ['admin']],
  ] as const) {
    await act(latchkey, 'updateUser', { id: userId, roles });
    expect(await statuses(token)).toEqual(expected);
    const { viewer } = (await latchkey.query('{ viewer { scopes } }', { token })).body.data;
    expect(viewer.scopes.toSorted()).toEqual(scopes);
  }
});

test('the keys of a removed user are refused immediately and revoked; those of the workspace remain', async () => {
  const userId = await addUser('admin');
  const hers = await createKey(latchkey, { name: 'hers', scopes: ['admin'], userId });
  const common = await createKey(latchkey, { name: 'common', scopes: ['admin'] }, hers.token);
  expect(await statuses(hers.token)).toEqual([200, 200, 200]);
  const { user } = await act(latchkey, 'removeUser', { id: userId });
  expect(user.removedAt).not.toBeNull();
  expect(await statuses(hers.token)).toEqual([401, 401, 401]);
  expect(refusalOf(await latchkey.query(READ, { token: hers.token }))).toEqual({
    code: 'UNAUTHENTICATED',
    reason: 'user_left',
  });
  expect(await statuses(common.token)).toEqual([200, 200, 200]);
  expect(await look(latchkey, hers.id)).toMatchObject({
    status: 'REVOKED',
    revokedReason: 'The user was removed from the workspace.',
  });
  expect((await act(latchkey, 'removeUser', { id: userId })).user).toEqual(user);
  const more = await attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'], userId });
  expect(refusalOf(more).code).toBe('NOT_FOUND');
  expect(refusalOf(await attempt(latchkey, 'updateUser', { id: userId, roles: ['admin'] })).code).toBe('NOT_FOUND');
});

test('refuses a removed user whose key is not revoked yet, with the reason', async () => {
  const userId = await addUser('viewer');
  const { token } = await createKey(latchkey, { name: 'hers', scopes: ['read:all'], userId });
  await latchkey.service.store.users.remove(userId, 'default', { at: Date.now() });
  const { status, body } = await latchkey.query(READ, { token });
  expect([status, body.errors[0].extensions]).toEqual([401, { code: 'UNAUTHENTICATED', reason: 'user_left' }]);
});

test('a user cannot grant or remove a role above their own', async () => {
  const boss = await addUser('admin');
  const reader = await createKey(latchkey, { name: 'r', scopes: ['read:all'] });
  expect((await attempt(latchkey, 'addUser', { name: 'x', roles: ['viewer'] }, reader.token)).status).toBe(403);
  for (const roles of [['owner'], ['__proto__'], ['']]) {
    const refused = refusalOf(await attempt(latchkey, 'addUser', { name: 'x', roles }));
    expect(refused).toMatchObject({
      code: 'BAD_USER_INPUT',
      path: ['input', 'roles', 0],
      known: ['admin', 'editor', 'viewer'],
    });
  }
  expect(refusalOf(await attempt(latchkey, 'updateUser', { id: boss })).code).toBe('BAD_USER_INPUT');
  expect(refusalOf(await attempt(latchkey, 'removeUser', { id: 'usr_none' })).code).toBe('NOT_FOUND');
});

test('users are listed without removed ones, and found with them', async () => {
  const [one, other] = [await addUser('viewer'), await addUser()];
  await act(latchkey, 'removeUser', { id: one });
  const { users } = (await latchkey.query('{ users(first: 100) { nodes { id } } }')).body.data;
  const ids = users.nodes.map(({ id }: { id: string }) => id);
  expect(ids).toContain(other);
  expect(ids).not.toContain(one);
  const { user } = (
    await latchkey.query('query ($id: ID!) { user(id: $id) { removedAt } }', { variables: { id: one } })
  ).body.data;
  expect(user.removedAt).not.toBeNull();
});

test('a user of another workspace does not exist', async () => {
  const elsewhere = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY } });
  try {
    const theirs = await act(elsewhere, 'createWorkspace', { name: 'Theirs', tier: 'GROWTH' }, OPERATOR_KEY);
    const { user } = await act(elsewhere, 'addUser', { name: 'Eve', roles: ['admin'] }, theirs.token);
    const found = await elsewhere.query('query ($id: ID!) { user(id: $id) { id } }', {
      variables: { id: user.id },
      token: OPERATOR_KEY,
    });
    expect(found.body.data).toEqual({ user: null });
    for (const [mutation, input] of [
      ['updateUser', { id: user.id, name: 'x' }],
      ['removeUser', { id: user.id }],
      ['createApiKey', { name: 'x', scopes: ['read:all'], userId: user.id }],
    ] as const) {
      expect(refusalOf(await attempt(elsewhere, mutation, input, OPERATOR_KEY)).code).toBe('NOT_FOUND');
    }
  } finally {
    await elsewhere.close();
  }
});

test("001_1cbf06dcbeea649c: read:all can list users, but nothing more about them; others can't", async () => {
  const id = await addUser('viewer');
  const reader = await createKey(latchkey, { scopes: ['read:all'] });
  const other = await createKey(latchkey, { scopes: ['read:assets', 'write:all'] });
  const ask = (query: string, token: string) => latchkey.query(query, { token, variables: { id } });
  const ONE = 'query ($id: ID!) { user(id: $id) { name roles } users { nodes { id } } }';
  const read = await ask(ONE, reader.token);
  expect(read.body.data.user).toEqual({ name: 'Ada', roles: ['viewer'] });
  expect(read.body.data.users.nodes).toContainEqual({ id });
  const refused = await ask(ONE, other.token);
  expect([refused.status, refused.body.errors[0].extensions.missing]).toEqual([403, ['read:users']]);
  expect((await attempt(latchkey, 'updateUser', { id, roles: [] }, reader.token)).status).toBe(403);
  expect((await ask('{ viewer { user { id } } }', reader.token)).status).toBe(403);
});
