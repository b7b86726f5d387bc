import { createKey } from '../support/service.js';
import { at, DAY, NOON, startFrozen, type FrozenService } from './frozen.js';
import { act, attempt, look, refusalOf } from './operations.js';

let latchkey: FrozenService;
beforeAll(async () => void (latchkey = await startFrozen({ env: { DEFAULT_TIER: 'ENTERPRISE' } })));
afterAll(() => latchkey.close());

test('a key is SECRET and LIVE and does not expire by default', async () => {
  const { apiKey, token } = await act(latchkey, 'createApiKey', { name: 'Plain', scopes: ['read-write'] });
  const admin = (await latchkey.query('{ viewer { credential { id kind } } }')).body.data.viewer.credential;
  expect(admin.kind).toBe('API_KEY');
  expect(apiKey).toEqual({
    id: expect.stringMatching(/^key_[0-9A-Za-z]{16}$/),
    name: 'Plain',
    prefix: token.slice(0, 15),
    type: 'SECRET',
    environment: 'LIVE',
    scopes: ['read:all', 'write:all'],
    status: 'ACTIVE',
    createdAt: at(NOON),
    createdBy: admin.id,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    lastUsedAt: null,
    replaces: null,
    replacedBy: null,
  });
  expect(token).toMatch(/^lks_live_[0-9A-Za-z]{54}$/);
  expect(await look(latchkey, apiKey.id)).toEqual(apiKey);
});

test('treats null like an absent field', async () => {
  const input = { name: 'n', scopes: ['read:all'], type: null, environment: null, expiresAt: null, workspaceId: null };
  expect((await act(latchkey, 'createApiKey', input)).apiKey).toMatchObject({ type: 'SECRET', environment: 'LIVE' });
});

test.each<[string, object, unknown[]]>([
  ['no name', { name: ' ' }, ['input', 'name']],
  ['a name of two lines', { name: 'a\nb' }, ['input', 'name']],
  ['a name with NUL', { name: 'a\0b' }, ['input', 'name']],
  ['half a character', { name: 'a\ud83d' }, ['input', 'name']],
  ['no scopes', { scopes: [] }, ['input', 'scopes']],
  ['an unknown scope', { scopes: ['read:assets', 'read:everything'] }, ['input', 'scopes', 1]],
  ['an end in the past', { expiresAt: at(NOON) }, ['input', 'expiresAt']],
  ['a READ_ONLY key that writes', { type: 'READ_ONLY', scopes: ['read-write'] }, ['input', 'scopes', 0]],
  ['a READ_ONLY key that administers', { type: 'READ_ONLY', scopes: ['admin'] }, ['input', 'scopes', 0]],
  ['a CLIENT key that administers', { type: 'CLIENT', scopes: ['read:all', 'admin'] }, ['input', 'scopes', 1]],
])('%s is bad input at its path', async (_, fields, path) => {
  const answer = await attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:assets'], ...fields });
  expect(answer.status).toBe(200);
  expect(answer.body.data).toEqual({ createApiKey: null });
  expect(refusalOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', path });
});

test('refuses an unknown scope with the known ones, as in the schema', async () => {
  const answer = await attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['fly'] });
  expect(refusalOf(answer).known).toEqual([
    'admin',
    'platform',
    'read:all',
    'read:assets',
    'read:events',
    'read:users',
    'verify:keys',
    'write:all',
    'write:assets',
    'write:events',
    'read-only',
    'read-write',
  ]);
});

describe('listing', () => {
  let mine: string;
  const made: string[] = [];
  const LIST = `query ($first: Int, $after: String, $filter: ApiKeyFilter) {
    apiKeys(first: $first, after: $after, filter: $filter) {
      totalCount pageInfo { hasNextPage endCursor } nodes { id } edges { cursor node { id } }
    }
  }`;
  const list = async (variables: object) => (await latchkey.query(LIST, { variables, token: mine })).body.data.apiKeys;

  beforeAll(async () => {
    // A separate workspace, so that keys of other tests are not counted.
    const service = latchkey.service;
    const operator = {
      kind: 'operator',
      keyId: 'operator',
      familyId: 'operator',
      workspaceId: 'default',
      projectId: null,
      userId: null,
      tier: 'ENTERPRISE',
      keyType: 'SECRET',
      scopes: ['platform'],
      trustedDocuments: null,
    } as const;
    const { key, token } = await service.latchkey.workspaces.create(operator, { name: 'List', tier: 'ENTERPRISE' });
    mine = token;
    made.push(key.id);
    for (let i = 0; i < 24; i++) {
      // Several in one millisecond: the order must still be total.
      if (i % 5 === 0) latchkey.pass(1);
      made.push((await createKey(latchkey, { name: `key ${i}`, type: i % 2 ? 'CLIENT' : 'SECRET' }, mine)).id);
    }
  });

  it('returns the newest first, each once, page by page', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list({ first: 7, after });
      expect(page.totalCount).toBe(25);
      expect(page.edges.map((edge: { node: { id: string } }) => edge.node.id)).toEqual(
        page.nodes.map(({ id }: { id: string }) => id),
      );
      expect(page.edges.at(-1).cursor).toBe(page.pageInfo.endCursor);
      seen.push(...page.nodes.map(({ id }: { id: string }) => id));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      pages += 1;
    } while (after !== null);
    expect(pages).toBe(4);
    expect(new Set(seen)).toEqual(new Set(made));
    expect(seen).toHaveLength(25);
    expect(seen.at(-1)).toBe(made[0]);
  });

  it('keeps its position when keys are created in the meantime', async () => {
    const { nodes, pageInfo } = await list({ first: 5 });
    latchkey.pass(1);
    made.push((await createKey(latchkey, { name: 'later' }, mine)).id);
    const next = await list({ first: 5, after: pageInfo.endCursor });
    const ids = (page: { id: string }[]): string[] => page.map(({ id }) => id);
    expect(ids(next.nodes).filter((id) => ids(nodes).includes(id))).toEqual([]);
    expect(ids(next.nodes)).not.toContain(made.at(-1));
  });

  it('filters by status, type, environment, part of the name and scope', async () => {
    await act(latchkey, 'revokeApiKey', { id: made[3] ?? '' }, mine);
    await act(latchkey, 'expireApiKey', { id: made[4] ?? '', at: at(latchkey.clock.now) }, mine);
    const total = async (filter: object): Promise<number> => (await list({ filter })).totalCount;
    expect(await total({ status: 'REVOKED' })).toBe(1);
    expect(await total({ status: 'EXPIRED' })).toBe(1);
    expect(await total({ status: 'ACTIVE' })).toBe(made.length - 2);
    expect(await total({ type: 'CLIENT' })).toBe(12);
    expect(await total({ environment: 'TEST' })).toBe(0);
    expect(await total({ nameContains: 'KEY 2' })).toBe(5);
    expect(await total({ scope: 'admin' })).toBe(1);
    expect(await total({ type: 'CLIENT', nameContains: 'key 2', status: null })).toBe(2);
    expect(await total({ nameContains: '%' })).toBe(0);
  });

  it.each([
    [{ first: 0 }, ['first']],
    [{ first: 101 }, ['first']],
    [{ first: -5 }, ['first']],
    [{ after: 'nonsense' }, ['after']],
    [{ after: Buffer.from('1.key_x OR 1=1').toString('base64url') }, ['after']],
    [{ filter: { nameContains: '\0' } }, ['filter', 'nameContains']],
    [{ filter: { scope: 'no scope\0' } }, ['filter', 'scope']],
  ])('refuses %j', async (variables, path) => {
    const answer = await latchkey.query(LIST, { variables, token: mine });
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path });
  });
});

test("a key shows its limits: the tier's, and the remaining ones of its family", async () => {
  const { token } = await createKey(latchkey, { expiresAt: at(latchkey.clock.now + DAY) });
  const answer = await latchkey.query(
    '{ viewer { limits { tier rate { limit window remaining returnsIn } burst { limit window remaining returnsIn } } } }',
    { token },
  );
  expect(answer.body.data.viewer.limits).toEqual({
    tier: 'ENTERPRISE',
    rate: { limit: 5000, window: 'PT1M', remaining: 4999, returnsIn: 'PT1M' },
    burst: { limit: 100, window: 'PT1S', remaining: 99, returnsIn: 'PT1S' },
  });
});
