import { act, attempt } from './operations.js';
import { startService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => void (service = await startService({ env: { DEFAULT_TIER: 'PROFESSIONAL' } })));
afterAll(() => service.close());

const KEYS = `query ($filter: ApiKeyFilter) { workspace { keys { current } } apiKeys(filter: $filter) { nodes { id userId: user { id } } } }`;

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
const look = async (filter: object): Promise<any> => (await service.query(KEYS, { variables: { filter } })).body.data;

test('R9: a user who is removed while keys are made for them keeps none, and no place stays taken', async () => {
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

test('R9: a user whose keys are rotated while they are removed keeps none', async () => {
  const { user } = await act(service, 'addUser', { name: 'Ada', roles: ['viewer'] });
  const input = { name: 'racing', scopes: ['read:all'], userId: user.id };
  const made = [];
  for (let i = 0; i < 6; i++) made.push((await act(service, 'createApiKey', input)).apiKey.id);
  const rotations = made.map((id) => attempt(service, 'rotateApiKey', { id }));
  await Promise.all([...rotations, act(service, 'removeUser', { id: user.id })]);
  expect((await look({ userId: user.id, status: 'ACTIVE' })).apiKeys.nodes).toEqual([]);
});

test('R9: a key that is revoked while it makes others leaves none that its revocation did not show', async () => {
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
