import { setTimeout as delay } from 'node:timers/promises';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, refusalOf } from './operations.js';

let latchkey: TestService;
beforeAll(async () => {
  latchkey = await startService({
    storeThreads: true,
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
    tiers: tierTable({ KEY_CREATION: { rate: 120, burst: 20 }, ANONYMOUS: { rate: 1e6, burst: 1e6 } }),
  });
});
afterAll(() => latchkey.close());

const hashes = (): number => latchkey.service.latchkey.bcrypt.counts.hashes;
const tenant = async (tier = 'ENTERPRISE'): Promise<string> =>
  (await act(latchkey, 'createWorkspace', { name: 'Tenant', tier }, OPERATOR_KEY)).token;

const MANY = `mutation Many($input: [CreateApiKeyInput!]!) {
  createApiKeys(input: $input) { keys { token apiKey { id name scopes project { id } } } }
}`;
const create = (input: readonly object[], token: string) => latchkey.query(MANY, { variables: { input }, token });
const named = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, i) => ({ name: `Customer ${i}`, scopes: ['read:assets'], ...more }));
const total = async (token: string): Promise<number> =>
  (await latchkey.query('{ apiKeys { totalCount } }', { token })).body.data.apiKeys.totalCount;

interface Made {
  readonly token: string;
  readonly apiKey: { readonly id: string; readonly name: string };
}

test('creates keys in the order of the input, each with a token and an audit entry', async () => {
  const admin = await tenant();
  const before = hashes();
  const { body } = await create(named(12), admin);
  expect(body.errors).toBeUndefined();
  const made: Made[] = body.data.createApiKeys.keys;
  expect(made.map(({ apiKey }) => apiKey.name)).toEqual(named(12).map(({ name }) => name));
  expect(hashes() - before).toBe(12);
  for (const { token } of [made[0], made.at(-1)] as Made[]) {
    expect((await latchkey.query('{ viewer { scopes } }', { token })).body.data.viewer.scopes).toEqual(['read:assets']);
  }
  const { nodes } = (
    await latchkey.query('{ auditLog(filter: { actions: [KEY_CREATED] }) { nodes { subject } } }', { token: admin })
  ).body.data.auditLog;
  const subjects = nodes.map(({ subject }: { readonly subject: string }) => subject);
  expect(subjects).toEqual(expect.arrayContaining(made.map(({ apiKey }) => apiKey.id)));
});

test.each([
  [['input', 1, 'name'], 'BAD_USER_INPUT', { name: '' }],
  [['input', 1, 'scopes', 0], 'BAD_USER_INPUT', { scopes: ['nonsense:nonsense'] }],
  [['input', 1, 'expiresAt'], 'BAD_USER_INPUT', { expiresAt: '2020-01-01T00:00:00Z' }],
  [undefined, 'NOT_FOUND', { userId: 'usr_0000000000000000' }],
  [undefined, 'SCOPE_NOT_HELD', { scopes: ['platform'] }],
])('creates none if one input is invalid: %j %s', async (path, code, wrong) => {
  const admin = await tenant();
  const before = [hashes(), await total(admin)];
  const [one, other, ...more] = named(4);
  const answer = await create([one ?? {}, { ...other, ...wrong }, ...more], admin);
  expect(refusalOf(answer)).toMatchObject({ code, ...(path !== undefined && { path }) });
  if (path === undefined) expect(answer.body.errors[0].message).toMatch(/^Key 2 of the list: /);
  expect([hashes(), await total(admin)]).toEqual(before);
});

test.each([0, 1_001])('refuses %i keys', async (count) => {
  const answer = await create(named(count), await tenant());
  const code = count === 0 ? 'BAD_USER_INPUT' : 'COST_EXCEEDS_BURST';
  expect(refusalOf(answer)).toMatchObject({ code });
});

test('creates none if the workspace has too few places', async () => {
  const admin = await tenant('GROWTH');
  const before = hashes();
  expect(refusalOf(await create(named(11), admin))).toMatchObject({ code: 'KEY_LIMIT_REACHED' });
  expect(hashes()).toBe(before);
  // The first key of the workspace has a place as an admin key.
  expect((await create(named(10), admin)).body.errors).toBeUndefined();
  expect(refusalOf(await create(named(1), admin))).toMatchObject({ code: 'KEY_LIMIT_REACHED' });
});

test('counts each key: more than a second allows are spread, and more than a minute allows are refused', async () => {
  const admin = await tenant();
  const before = hashes();
  const never = await create(named(121), admin);
  expect(refusalOf(never)).toMatchObject({ code: 'COST_EXCEEDS_BURST', cost: 121, burst: 120 });
  expect([never.status, never.body.data]).toEqual([400, undefined]);
  expect(hashes()).toBe(before);
  const began = performance.now();
  expect((await create(named(70), admin)).body.data.createApiKeys.keys).toHaveLength(70);
  // 20 in the first second, 20 in the second one, and so on.
  expect(performance.now() - began).toBeGreaterThan(2_500);
  // Until the window of a second has room again.
  await delay(1_100);
  const refused = await create(named(60), admin);
  const { retryAfter, ...refusal } = refusalOf(refused);
  expect(refusal).toEqual({ code: 'RATE_LIMITED', limit: 120, window: 60, category: 'key-creation' });
  // Like createApiKey, which is refused before it runs.
  expect([refused.status, refused.body.data]).toEqual([429, undefined]);
  expect(refused.headers.get('retry-after')).toBe(String(retryAfter));
  expect(hashes() - before).toBe(70);
});

test('a key of a project creates keys of the project only', async () => {
  const admin = await tenant();
  const { project } = await act(latchkey, 'createProject', { name: 'Shop' }, admin);
  const { project: other } = await act(latchkey, 'createProject', { name: 'Other' }, admin);
  const own = await createKey(latchkey, { scopes: ['admin'], projectId: project.id }, admin);
  const { keys } = (await create(named(2), own.token)).body.data.createApiKeys;
  expect(keys.map(({ apiKey }: { apiKey: { project: unknown } }) => apiKey.project)).toEqual([
    { id: project.id },
    { id: project.id },
  ]);
  expect(refusalOf(await create(named(2, { projectId: other.id }), own.token))).toMatchObject({ code: 'NOT_FOUND' });
});
