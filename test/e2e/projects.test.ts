import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, attempt, refusalOf } from './operations.js';

let latchkey: TestService;
let admin: string;
let shop: string;
let bound: { token: string; id: string };
let foreign: { admin: string; project: string };

beforeAll(async () => {
  latchkey = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  const made = await act(latchkey, 'createWorkspace', { name: 'Mine', tier: 'ENTERPRISE' }, OPERATOR_KEY);
  admin = made.token;
  shop = (await act(latchkey, 'createProject', { name: 'Shop' }, admin)).project.id;
  bound = await createKey(latchkey, { name: 'bound', scopes: ['admin'], projectId: shop }, admin);
  const other = await act(latchkey, 'createWorkspace', { name: 'Theirs', tier: 'ENTERPRISE' }, OPERATOR_KEY);
  const project = (await act(latchkey, 'createProject', { name: 'Shop' }, other.token)).project.id;
  foreign = { admin: other.token, project };
});
afterAll(() => latchkey.close());

const ask = async (query: string, token: string, variables: object = {}) =>
  (await latchkey.query(query, { token, variables })).body;

test('a bound key can see only its own project', async () => {
  const other = (await act(latchkey, 'createProject', { name: 'Other' }, admin)).project.id;
  const all = '{ projects { nodes { id name } pageInfo { hasNextPage } } viewer { project { id } } }';
  expect((await ask(all, admin)).data).toEqual({
    projects: {
      nodes: [
        { id: shop, name: 'Shop' },
        { id: other, name: 'Other' },
      ],
      pageInfo: { hasNextPage: false },
    },
    viewer: { project: null },
  });
  expect((await ask(all, bound.token)).data).toEqual({
    projects: { nodes: [{ id: shop, name: 'Shop' }], pageInfo: { hasNextPage: false } },
    viewer: { project: { id: shop } },
  });
  const one = 'query ($id: ID!) { project(id: $id) { name } }';
  for (const [token, id, name] of [
    [admin, shop, 'Shop'],
    [admin, other, 'Other'],
    [bound.token, shop, 'Shop'],
    [bound.token, other, null],
    [admin, foreign.project, null],
    [foreign.admin, shop, null],
    [admin, '../x', null],
  ] as const) {
    expect((await ask(one, token, { id })).data.project?.name ?? null).toBe(name);
  }
});

test('F13: a name is unique, found and stored in any normalization', async () => {
  const [composed, decomposed] = ['Caf\u00e9', 'Cafe\u0301'];
  const project = (await act(latchkey, 'createProject', { name: decomposed }, admin)).project;
  expect(project.name).toBe(composed);
  for (const name of [composed, decomposed, ` ${decomposed} `]) {
    expect(refusalOf(await attempt(latchkey, 'createProject', { name }, admin))).toMatchObject({
      code: 'BAD_USER_INPUT',
      path: ['input', 'name'],
    });
  }
  const other = (await act(latchkey, 'createProject', { name: 'Tea' }, admin)).project;
  expect(refusalOf(await attempt(latchkey, 'renameProject', { id: other.id, name: decomposed }, admin)).code).toBe(
    'BAD_USER_INPUT',
  );
  expect((await act(latchkey, 'renameProject', { id: other.id, name: 'Te\u0301' }, admin)).project.name).toBe(
    'T\u00e9',
  );
  for (const name of [`${composed} 1`, `${decomposed} 2`])
    await createKey(latchkey, { name, scopes: ['read:all'] }, admin);
  const search = 'query ($part: String) { apiKeys(filter: { nameContains: $part }) { nodes { name } } }';
  for (const part of [composed, decomposed, decomposed.toUpperCase()]) {
    const { nodes } = (await ask(search, admin, { part })).data.apiKeys;
    expect(nodes.map(({ name }: { name: string }) => name).sort()).toEqual([`${composed} 1`, `${composed} 2`]);
  }
});

test('F8: keys, users and workspaces can have names in every language and with emoji', async () => {
  const names = ['👩\u200d💻', 'ශ්\u200dරී', 'می\u200cخواهم', '😀'.repeat(60)];
  for (const name of names) {
    const { id } = await createKey(latchkey, { name, scopes: ['read:all'] }, admin);
    expect((await ask('query ($id: ID!) { apiKey(id: $id) { name } }', admin, { id })).data.apiKey.name).toBe(name);
    expect((await act(latchkey, 'addUser', { name, roles: ['viewer'] }, admin)).user.name).toBe(name);
  }
  const override = await attempt(
    latchkey,
    'createApiKey',
    { name: 'a\u202eb', scopes: ['read:all'], type: 'SECRET', environment: 'LIVE' },
    admin,
  );
  expect(refusalOf(override)).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 'name'] });
});

test('a bound key sees, creates and changes only keys of its own project', async () => {
  const free = await createKey(latchkey, { name: 'free', scopes: ['read:all'] }, admin);
  const own = await createKey(latchkey, { name: 'own', scopes: ['read:all'] }, bound.token);
  const page = (await ask('{ apiKeys { totalCount nodes { name project { id } } } }', bound.token)).data.apiKeys;
  expect(page).toEqual({
    totalCount: 2,
    nodes: [
      { name: 'own', project: { id: shop } },
      { name: 'bound', project: { id: shop } },
    ],
  });
  const one = 'query ($id: ID!) { apiKey(id: $id) { name } }';
  expect((await ask(one, bound.token, { id: free.id })).data).toEqual({ apiKey: null });
  expect((await ask(one, admin, { id: own.id })).data).toEqual({ apiKey: { name: 'own' } });
  for (const [mutation, more] of [
    ['rotateApiKey', {}],
    ['expireApiKey', { at: '2099-01-01T00:00:00Z' }],
    ['revokeApiKey', {}],
    ['updateApiKey', { name: 'mine' }],
  ] as const) {
    expect(refusalOf(await attempt(latchkey, mutation, { id: free.id, ...more }, bound.token)).code).toBe('NOT_FOUND');
  }
  const rotated = await act(latchkey, 'rotateApiKey', { id: own.id }, bound.token);
  expect((await ask('{ viewer { project { id } } }', rotated.token)).data.viewer.project.id).toBe(shop);
  const filtered = 'query ($p: ID!) { apiKeys(filter: { projectId: $p }) { totalCount } }';
  expect((await ask(filtered, admin, { p: shop })).data.apiKeys.totalCount).toBe(3);
  expect((await ask(filtered, bound.token, { p: foreign.project })).data.apiKeys.totalCount).toBe(0);
});

test.each<[string, () => Promise<unknown>, string]>([
  [
    'a project that is not there',
    () => attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'], projectId: 'prj_none' }, admin),
    'NOT_FOUND',
  ],
  [
    "another workspace's project",
    () => attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'], projectId: foreign.project }, admin),
    'NOT_FOUND',
  ],
  [
    'another project than its own',
    () =>
      attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'], projectId: foreign.project }, bound.token),
    'NOT_FOUND',
  ],
  [
    'platform beside a project',
    () => attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['platform'], projectId: 'prj_none' }, OPERATOR_KEY),
    'NOT_FOUND',
  ],
  ['a project by a bound key', () => attempt(latchkey, 'createProject', { name: 'x' }, bound.token), 'FORBIDDEN'],
  [
    'its project by a bound key',
    () => attempt(latchkey, 'renameProject', { id: shop, name: 'x' }, bound.token),
    'FORBIDDEN',
  ],
  [
    "another workspace's project",
    () => attempt(latchkey, 'renameProject', { id: foreign.project, name: 'x' }, admin),
    'NOT_FOUND',
  ],
  ['a name that is taken', () => attempt(latchkey, 'createProject', { name: 'Shop' }, admin), 'BAD_USER_INPUT'],
  ['a name that is none', () => attempt(latchkey, 'createProject', { name: ' ' }, admin), 'BAD_USER_INPUT'],
  ['a user by a bound key', () => attempt(latchkey, 'addUser', { name: 'x', roles: [] }, bound.token), 'FORBIDDEN'],
])('refused: %s', async (_, attempted, code) => {
  const answer = (await attempted()) as Awaited<ReturnType<typeof attempt>>;
  expect(refusalOf(answer).code).toBe(code);
});

test('platform is refused for a bound key', async () => {
  const project = (await act(latchkey, 'createProject', { name: 'Mine' }, OPERATOR_KEY)).project.id;
  const wanted = { name: 'x', scopes: ['platform'], projectId: project };
  expect(refusalOf(await attempt(latchkey, 'createApiKey', wanted, OPERATOR_KEY)).code).toBe('BAD_USER_INPUT');
  const { id } = await createKey(latchkey, { ...wanted, scopes: ['admin'] }, OPERATOR_KEY);
  const raised = await attempt(latchkey, 'updateApiKey', { id, scopes: ['platform'] }, OPERATOR_KEY);
  expect(refusalOf(raised).code).toBe('BAD_USER_INPUT');
});

describe('assets', () => {
  const REGISTER = 'mutation ($input: RegisterAssetInput!) { registerAsset(input: $input) { name description } }';
  const SEEN = '{ assets { name description upstream { asset { description } } downstream { description } } }';
  const register = (token: string, name: string, description: string, more: object = {}) =>
    ask(REGISTER, token, { input: { name, description, ...more } });

  test('with the same name in each project are visible only to its own keys', async () => {
    const other = (await act(latchkey, 'createProject', { name: 'Warehouse' }, admin)).project.id;
    const another = await createKey(latchkey, { name: 'another', scopes: ['admin'], projectId: other }, admin);
    for (const [token, description, project] of [
      [bound.token, 'shop', undefined],
      [another.token, 'warehouse', undefined],
      [admin, 'workspace', undefined],
      [foreign.admin, 'theirs', foreign.project],
    ] as const) {
      await register(token, 'orders', description, { project });
      await register(token, 'sales', `${description} sales`, { upstream: ['orders'], project });
    }
    for (const [token, of] of [
      [bound.token, 'shop'],
      [another.token, 'warehouse'],
      [admin, 'workspace'],
    ] as const) {
      expect((await ask(SEEN, token)).data.assets).toEqual([
        { name: 'orders', description: of, upstream: [], downstream: [{ description: `${of} sales` }] },
        { name: 'sales', description: `${of} sales`, upstream: [{ asset: { description: of } }], downstream: [] },
      ]);
    }
    expect((await ask(SEEN, foreign.admin)).data.assets).toEqual([]);
  });

  test('of several projects in one operation, by a key that is not bound', async () => {
    const { data } = await ask(
      'query ($p: ID!) { own: asset(name: "orders") { description } shop: asset(name: "orders", project: $p) { description downstream { description } } }',
      admin,
      { p: shop },
    );
    expect(data).toEqual({
      own: { description: 'workspace' },
      shop: { description: 'shop', downstream: [{ description: 'shop sales' }] },
    });
    await ask('mutation ($i: RecordLoadInput!) { recordLoad(input: $i) { name } }', admin, {
      i: { asset: 'orders', project: shop, rows: 7 },
    });
    const rows = '{ asset(name: "orders") { freshness { lastLoadRows } } }';
    expect((await ask(rows, bound.token)).data.asset.freshness.lastLoadRows).toBe(7);
    expect((await ask(rows, admin)).data.asset.freshness.lastLoadRows).toBeNull();
  });

  const IN_PROJECT: [string, string][] = [
    ['assets', 'query ($p: ID!) { assets(project: $p) { name } }'],
    ['asset', 'query ($p: ID!) { asset(name: "orders", project: $p) { name } }'],
    ['registerAsset', 'mutation ($p: ID!) { registerAsset(input: { name: "orders", project: $p }) { name } }'],
    ['recordLoad', 'mutation ($p: ID!) { recordLoad(input: { asset: "orders", project: $p }) { name } }'],
    ['refreshFreshness', 'mutation ($p: ID!) { refreshFreshness(asset: "orders", project: $p) { name } }'],
    [
      'refreshSchema',
      'mutation ($p: ID!) { refreshSchema(input: { asset: "orders", columns: [{ name: "a", type: "b" }], project: $p }) { name } }',
    ],
  ];
  test.each(IN_PROJECT)(
    "%s: in a project that the key can't access, not found like an unknown one",
    async (field, query) => {
      const { workspace } = (await ask('{ viewer { workspace { id } } }', admin)).data.viewer;
      const own = await latchkey.query(query, { token: bound.token, variables: { p: shop } });
      expect(own.body.errors).toBeUndefined();
      for (const [token, p] of [
        [bound.token, foreign.project],
        [bound.token, workspace.id],
        [admin, foreign.project],
        [foreign.admin, shop],
        [foreign.admin, workspace.id],
      ] as const) {
        const refused = await latchkey.query(query, { token, variables: { p } });
        const never = await latchkey.query(query, { token, variables: { p: 'prj_0000000000000000' } });
        expect(refused.body.data).toEqual({ [field]: null });
        expect([refused.status, refused.text]).toEqual([never.status, never.text]);
      }
    },
  );
});
