import { tierTable } from '../../src/core/limits/tierTable.js';
import { act, attempt } from './operations.js';
import { startService, type TestService } from '../support/service.js';

let service: TestService;
// A bcrypt cost at which concurrent requests have to wait for each other.
const env = { DEFAULT_TIER: 'PROFESSIONAL', BCRYPT_COST: '8' };
const PLACES = 25;
const unlimited = { rate: 1e6, burst: 1e6 };
const tiers = tierTable({
  PROFESSIONAL: { keys: PLACES, ...unlimited },
  ANONYMOUS: unlimited,
  KEY_CREATION: unlimited,
});
beforeAll(async () => void (service = await startService({ storeThreads: true, env, tiers })));
afterAll(() => service.close());

const KEYS = `query ($filter: ApiKeyFilter) { workspace { keys { current } } apiKeys(filter: $filter) { nodes { id userId: user { id } } } }`;

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
const look = async (filter: object): Promise<any> => (await service.query(KEYS, { variables: { filter } })).body.data;

test('R9: a user who is removed while keys are created for them has none, and no place stays taken', async () => {
  const before = (await look({})).workspace.keys.current;
  const { user } = await act(service, 'addUser', { name: 'Ada', roles: ['viewer'] });
  const input = { name: 'racing', scopes: ['read:all'], userId: user.id };
  const creations = Array.from({ length: 12 }, () => attempt(service, 'createApiKey', input));
  const [answers] = await Promise.all([Promise.all(creations), act(service, 'removeUser', { id: user.id })]);
  const { workspace, apiKeys } = await look({ userId: user.id, status: 'ACTIVE' });
  expect(apiKeys.nodes).toEqual([]);
  expect(workspace.keys.current).toBe(before);
  for (const { body } of answers) {
    const refused = body.errors?.[0]?.extensions.code;
    expect([undefined, 'NOT_FOUND']).toContain(refused);
    if (refused === undefined) {
      const { token } = body.data.createApiKey;
      expect((await service.query('{ viewer { scopes } }', { token })).status).toBe(401);
    }
  }
});

test('R9: a user who is removed while their keys are rotated has no active keys', async () => {
  const before = (await look({})).workspace.keys.current;
  const { user } = await act(service, 'addUser', { name: 'Ada', roles: ['viewer'] });
  const input = { name: 'racing', scopes: ['read:all'], userId: user.id };
  const made: string[] = [];
  for (let i = 0; i < 12; i++) made.push((await act(service, 'createApiKey', input)).apiKey.id);
  const rotations = made.map((id) => attempt(service, 'rotateApiKey', { id }));
  await Promise.race(rotations);
  // A removal begins with this mark. The other rotations are waiting for bcrypt.
  await service.service.store.users.remove(user.id, 'default', { at: Date.now() });
  const seen = (await look({ userId: user.id, status: 'ACTIVE' })).apiKeys.nodes;
  const refused = (await Promise.all(rotations)).filter(({ body }) => body.errors !== undefined);
  expect(refused.length).toBeGreaterThan(0);
  for (const { body } of refused) expect(body.errors[0].extensions.code).toBe('NOT_FOUND');
  for (const { id } of (await look({ userId: user.id, status: 'ACTIVE' })).apiKeys.nodes) {
    expect(seen).toContainEqual(expect.objectContaining({ id }));
  }
  await act(service, 'removeUser', { id: user.id });
  const { workspace, apiKeys } = await look({ userId: user.id, status: 'ACTIVE' });
  expect(apiKeys.nodes).toEqual([]);
  expect(workspace.keys.current).toBe(before);
});

test('R9: 12 users who are removed while keys are created and rotated for them leave no key and no place', async () => {
  const other = await startService({ storeThreads: true, env, tiers });
  try {
    const rounds = Array.from({ length: 12 }, async () => {
      const { user } = await act(other, 'addUser', { name: 'Ada', roles: ['viewer'] });
      const input = { name: 'racing', scopes: ['read:all'], userId: user.id };
      const { id } = (await act(other, 'createApiKey', input)).apiKey;
      const [created, rotated] = await Promise.all([
        attempt(other, 'createApiKey', input),
        attempt(other, 'rotateApiKey', { id }),
        attempt(other, 'updateUser', { id: user.id, name: 'Eve' }),
        act(other, 'removeUser', { id: user.id }),
      ]);
      return { userId: user.id as string, answers: [created, rotated] };
    });
    for (const { userId, answers } of await Promise.all(rounds)) {
      const variables = { filter: { userId, status: 'ACTIVE' } };
      expect((await other.query(KEYS, { variables })).body.data.apiKeys.nodes).toEqual([]);
      for (const { body } of answers) {
        const token = (body.data.createApiKey ?? body.data.rotateApiKey)?.token;
        if (token !== undefined) expect((await other.query('{ viewer { scopes } }', { token })).status).toBe(401);
      }
    }
    const input = { name: 'fits', scopes: ['read:all'] };
    await Promise.all(Array.from({ length: PLACES }, () => act(other, 'createApiKey', input)));
    const more = await attempt(other, 'createApiKey', input);
    expect(more.body.errors[0].extensions).toMatchObject({ code: 'KEY_LIMIT_REACHED', current: PLACES });
  } finally {
    await other.close();
  }
});

test('R9: a key that is revoked while it creates others leaves none that its revocation did not see', async () => {
  const { token, apiKey } = await act(service, 'createApiKey', { name: 'thief', scopes: ['admin'] });
  const input = { name: 'loot', scopes: ['read:all'] };
  const creations = Array.from({ length: 6 }, () => attempt(service, 'createApiKey', input, token));
  const [answers, seen] = await Promise.all([
    Promise.all(creations),
    act(service, 'revokeApiKey', { id: apiKey.id }).then(() => look({ nameContains: 'loot' })),
  ]);
  const ids = (nodes: readonly { id: string }[]): string[] => nodes.map(({ id }) => id).sort();
  expect(ids((await look({ nameContains: 'loot', status: 'ACTIVE' })).apiKeys.nodes)).toEqual(ids(seen.apiKeys.nodes));
  const refused = answers.filter(({ body }) => body.errors !== undefined);
  for (const { body } of refused) expect(body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
});
