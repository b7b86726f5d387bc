import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act } from './operations.js';

let latchkey: TestService;
let token: string;
let counts: unknown[][];
beforeAll(async () => {
  latchkey = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  ({ token } = await act(latchkey, 'createWorkspace', { name: 'Counted', tier: 'ENTERPRISE' }, OPERATOR_KEY));
  for (let i = 0; i < 5; i++) await createKey(latchkey, { type: i < 2 ? 'CLIENT' : 'SECRET' }, token);
  record('count', 'countFamilies');
});
afterAll(() => latchkey.close());
beforeEach(() => void (counts = []));

/** Records each call of these operations of the store. */
function record(...names: readonly ('count' | 'countFamilies')[]): void {
  const { keys } = latchkey.service.store;
  for (const name of names) {
    const plain = keys[name].bind(keys) as (...given: unknown[]) => Promise<number>;
    Object.assign(keys, {
      [name]: (...given: unknown[]) => {
        counts.push([name, ...given.slice(1, name === 'count' ? 2 : 3)]);
        return plain(...given);
      },
    });
  }
}

const ask = async (query: string) => (await latchkey.query(query, { token })).body.data;

test('X5: counts keys only if the operation selects totalCount', async () => {
  const page = await ask('{ apiKeys(first: 2) { nodes { name } pageInfo { hasNextPage } } }');
  expect(page.apiKeys.pageInfo).toEqual({ hasNextPage: true });
  expect(counts).toEqual([]);
  expect(await ask('{ apiKeys(first: 2) { totalCount } }')).toEqual({ apiKeys: { totalCount: 6 } });
  expect(counts).toEqual([['count', {}]]);
});

test('X5: does not count if a directive excludes totalCount', async () => {
  const query = 'query ($counted: Boolean!) { apiKeys(first: 2) { totalCount @include(if: $counted) nodes { name } } }';
  for (const counted of [false, true]) {
    const { body } = await latchkey.query(query, { token, variables: { counted } });
    expect(body.data.apiKeys.totalCount).toBe(counted ? 6 : undefined);
    expect(counts).toHaveLength(counted ? 1 : 0);
  }
});

test('X5: equal selections share one count, whatever their page and order', async () => {
  const data = await ask(`{
    a: apiKeys(first: 2) { totalCount }
    b: apiKeys(first: 3, orderBy: { field: NAME, direction: ASC }, filter: { type: null }) { totalCount }
    c: apiKeys(filter: { type: CLIENT, status: ACTIVE }) { totalCount }
    d: apiKeys(first: 1, filter: { status: ACTIVE, type: CLIENT }) { totalCount again: totalCount }
    e: apiKeys(filter: { type: SECRET }) { nodes { name } }
  }`);
  expect([data.a, data.b, data.c, data.d]).toEqual([
    { totalCount: 6 },
    { totalCount: 6 },
    { totalCount: 2 },
    { totalCount: 2, again: 2 },
  ]);
  expect(counts).toHaveLength(2);
});

test("X9: counts a workspace's places only if they are selected, and once", async () => {
  expect(await ask('{ workspace { keys { max admin { max } } } }')).toEqual({
    workspace: { keys: { max: null, admin: { max: null } } },
  });
  expect(counts).toEqual([]);
  const data = await ask(`{
    a: workspace { keys { current admin { current } } }
    b: workspace { keys { current } }
    viewer { workspace { keys { current } } }
  }`);
  expect(data.a).toEqual({ keys: { current: 5, admin: { current: 1 } } });
  expect(data.viewer.workspace).toEqual({ keys: { current: 5 } });
  // Without the time, which may differ.
  expect(counts.map(([operation, , places]) => [operation, places]).toSorted()).toEqual([
    ['countFamilies', 'adminKeys'],
    ['countFamilies', 'keys'],
  ]);
});

const aliases = (field: string, length = 110) => Array.from({ length }, (_, i) => `a${i}: ${field}`).join(' ');

test("X9: counts a workspace's places once for 110 aliases of one request", async () => {
  const { workspace } = await ask(`{ workspace { ${aliases('keys { current }')} } }`);
  expect(Object.values(workspace)).toEqual(Array.from({ length: 110 }, () => ({ current: 5 })));
  expect(counts).toHaveLength(1);
  expect((await ask(`{ ${aliases('workspace { keys { current } }', 40)} }`)).a39).toEqual({
    keys: { current: 5 },
  });
  expect(counts).toHaveLength(2);
});

test('X9: counts once for all aliases of a root field of a mutation', async () => {
  const { workspace } = await act(latchkey, 'createWorkspace', { name: 'Many', tier: 'GROWTH' }, OPERATOR_KEY);
  const change = (alias: string, tier: string) =>
    `${alias}: setWorkspaceTier(input: { workspaceId: "${workspace.id}", tier: ${tier} }) { workspace { ${aliases('keys { current }')} } }`;
  const query = `mutation { ${change('a', 'ENTERPRISE')} }`;
  counts = [];
  const { body } = await latchkey.query(query, { token: OPERATOR_KEY });
  expect(body.data.a.workspace.a109).toEqual({ current: 0 });
  expect(counts).toHaveLength(1);
});

test('X5: a count after a mutation includes its changes', async () => {
  const { workspace } = await act(latchkey, 'createWorkspace', { name: 'Fresh', tier: 'GROWTH' }, OPERATOR_KEY);
  const change = (alias: string, tier: string) =>
    `${alias}: setWorkspaceTier(input: { workspaceId: "${workspace.id}", tier: ${tier} }) { workspace { keys { max current } } }`;
  const query = `mutation { ${change('a', 'ENTERPRISE')} ${change('b', 'GROWTH')} }`;
  counts = [];
  const { body } = await latchkey.query(query, { token: OPERATOR_KEY });
  expect(counts).toHaveLength(2);
  expect(body.data).toEqual({
    a: { workspace: { keys: { max: null, current: 0 } } },
    b: { workspace: { keys: { max: 10, current: 0 } } },
  });
});
