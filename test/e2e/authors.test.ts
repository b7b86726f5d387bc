import { tierTable } from '../../src/core/limits/tierTable.js';
import { act, attempt, look } from './operations.js';
import { isAlive, type KeySummary } from '../../src/core/store/records.js';
import { startService, type Answer, type TestService } from '../support/service.js';

/** A key that lost its permissions issues nothing, not even by requests that were waiting for bcrypt at that moment. */

let service: TestService;
// A bcrypt cost at which the requests of a batch have to wait for each other.
beforeAll(async () => void (service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE', BCRYPT_COST: '8' } })));
afterAll(() => service.close());

const BATCH = 16;
const OPERATOR = 'an-operators-key-of-32-characters-or-more';
const LOG = `{ auditLog(first: 100) { nodes { action actor subject } } }`;
const LOGGED = { createApiKey: 'KEY_CREATED', rotateApiKey: 'KEY_ROTATED' } as const;

interface Entry {
  readonly action: string;
  readonly actor: string;
  readonly subject: string;
}
interface Author {
  readonly id: string;
  readonly token: string;
  readonly userId: string;
}
interface Loss {
  readonly code: string;
  readonly lose: (author: Author) => Promise<unknown>;
}

const LOSSES: Readonly<Record<string, Loss>> = {
  'its revocation': {
    code: 'UNAUTHENTICATED',
    lose: ({ id }) => act(service, 'revokeApiKey', { id }),
  },
  'its end': {
    code: 'UNAUTHENTICATED',
    lose: ({ id }) => act(service, 'expireApiKey', { id, at: '2000-01-01T00:00:00Z' }),
  },
  'the loss of a scope': {
    code: 'FORBIDDEN',
    lose: ({ id }) => act(service, 'updateApiKey', { id, scopes: ['read:assets'] }),
  },
  'the loss of its user’s role': {
    code: 'FORBIDDEN',
    lose: ({ userId }) => act(service, 'updateUser', { id: userId, roles: ['viewer'] }),
  },
  'the removal of its user': {
    code: 'UNAUTHENTICATED',
    lose: ({ userId }) => act(service, 'removeUser', { id: userId }),
  },
};

const anAuthor = async (): Promise<Author> => {
  const { user } = await act(service, 'addUser', { name: 'Ada', roles: ['admin'] });
  const input = { name: 'author', scopes: ['admin'], userId: user.id };
  const { apiKey, token } = await act(service, 'createApiKey', input);
  return { id: apiKey.id, token, userId: user.id };
};

/**
 * Sends all requests at once, and removes the author's permissions after the first response: the other requests are
 * waiting for bcrypt.
 */
const losingMeanwhile = async (sent: readonly Promise<Answer>[], lose: () => Promise<unknown>): Promise<Answer[]> => {
  await Promise.race(sent);
  await lose();
  return Promise.all(sent);
};

const refusalsOf = (answers: readonly Answer[]): string[] =>
  answers.flatMap(({ body }) => body.errors?.[0]?.extensions.code ?? []);

const madeBy = async ({ id }: Author): Promise<KeySummary[]> => {
  const page = { first: 10_000, after: null, filter: {}, now: Date.now() };
  const { keys } = await service.service.store.keys.list('default', page);
  return keys.filter(({ createdBy }) => createdBy === id);
};
const idsOfLiving = (keys: readonly KeySummary[]): string[] =>
  keys.filter((key) => isAlive(key, Date.now())).map(({ id }) => id);

const log = async (): Promise<Entry[]> => (await service.query(LOG)).body.data.auditLog.nodes;

const CASES = Object.keys(LOSSES).flatMap((loss) => [['createApiKey', loss] as const, ['rotateApiKey', loss] as const]);

test.each(CASES)('R9: %s creates no key after %s', async (mutation, name) => {
  const author = await anAuthor();
  const loss = LOSSES[name];
  if (loss === undefined) throw new Error(name);
  const inputs: object[] = [];
  for (let i = 0; i < BATCH; i++) {
    if (mutation === 'createApiKey') inputs.push({ name: 'loot', scopes: ['admin'] });
    else inputs.push({ id: (await act(service, 'createApiKey', { name: 'target', scopes: ['admin'] })).apiKey.id });
  }
  let seen: string[] = [];
  const sent = inputs.map((input) => attempt(service, mutation, input, author.token));
  const answers = await losingMeanwhile(sent, async () => {
    await loss.lose(author);
    seen = idsOfLiving(await madeBy(author));
  });
  const answered = answers.flatMap(({ body }) => body.data?.[mutation]?.apiKey.id ?? []);
  const refused = refusalsOf(answers);
  expect(answered.length).toBeGreaterThan(0);
  expect(new Set(refused)).toEqual(new Set([loss.code]));
  expect(answered.length + refused.length).toBe(BATCH);

  // Every active key existed before the loss was acknowledged, and was issued.
  const made = await madeBy(author);
  const living = idsOfLiving(made);
  expect(seen).toEqual(expect.arrayContaining(living));
  expect(answered).toEqual(expect.arrayContaining(living));
  // Every other key is revoked, with an entry in the audit log.
  const entries = await log();
  const revoked = entries.filter(({ action }) => action === 'KEY_REVOKED').map(({ subject }) => subject);
  for (const key of made) if (!living.includes(key.id)) expect(revoked).toContain(key.id);
  const acts = entries.filter(({ action, actor }) => action === LOGGED[mutation] && actor === author.id);
  expect(acts).toHaveLength(made.length);
});

test('R9: a platform key creates no workspace once it is revoked', async () => {
  const operator = await startService({ env: { BCRYPT_COST: '8', ADMIN_API_KEY: OPERATOR } });
  try {
    const { apiKey, token } = await act(operator, 'createApiKey', { name: 'platform', scopes: ['platform'] }, OPERATOR);
    const input = { name: 'loot', tier: 'ENTERPRISE' };
    const sent = Array.from({ length: BATCH }, () => attempt(operator, 'createWorkspace', input, token));
    let before = 0;
    const { workspaces } = operator.service.store;
    const count = async () => (await workspaces.list(1000)).filter(({ name }) => name === 'loot').length;
    const answers = await losingMeanwhile(sent, async () => {
      await act(operator, 'revokeApiKey', { id: apiKey.id }, OPERATOR);
      before = await count();
    });
    const refused = refusalsOf(answers);
    expect(before).toBeGreaterThan(0);
    expect(await count()).toBe(before);
    expect(refused).toHaveLength(BATCH - before);
    expect(new Set(refused)).toEqual(new Set(['UNAUTHENTICATED']));
  } finally {
    await operator.close();
  }
});

const REST = {
  createApiKey: () => '{ name: "loot", scopes: ["admin"] }',
  rotateApiKey: ({ target }) => `{ id: "${target}" }`,
  expireApiKey: ({ target }) => `{ id: "${target}", at: "2000-01-01T00:00:00Z" }`,
  revokeApiKey: ({ target }) => `{ id: "${target}" }`,
  updateApiKey: ({ target }) => `{ id: "${target}", scopes: ["admin"] }`,
  createProject: () => '{ name: "loot" }',
  renameProject: ({ project }) => `{ id: "${project}", name: "loot" }`,
  addUser: () => '{ name: "loot", roles: ["admin"] }',
  updateUser: ({ user }) => `{ id: "${user}", roles: ["admin"] }`,
  removeUser: ({ user }) => `{ id: "${user}" }`,
  createWorkspace: () => '{ name: "loot", tier: ENTERPRISE }',
  setWorkspaceTier: () => '{ workspaceId: "default", tier: STARTER }',
  addCredits: () => '{ subject: WORKSPACE, id: "default", amount: 1, idempotencyKey: "loot" }',
} satisfies Record<string, (ids: { target: string; project: string; user: string }) => string>;

test('R9: a key that revokes itself changes nothing with the rest of its operation', async () => {
  const credits = { unit: 'requests', subject: 'workspace', refill: null } as const;
  const operator = await startService({
    env: { DEFAULT_TIER: 'ENTERPRISE', ADMIN_API_KEY: OPERATOR },
    tiers: tierTable({ ENTERPRISE: { credits } }),
  });
  try {
    const target = (await act(operator, 'createApiKey', { name: 'target', scopes: ['read:all'] }, OPERATOR)).apiKey.id;
    const project = (await act(operator, 'createProject', { name: 'project' }, OPERATOR)).project.id;
    const user = (await act(operator, 'addUser', { name: 'Ada', roles: ['viewer'] }, OPERATOR)).user.id;
    for (const [mutation, inputOf] of Object.entries(REST)) {
      const input = { name: 'author', scopes: ['admin', 'platform'] };
      const { apiKey, token } = await act(operator, 'createApiKey', input, OPERATOR);
      const rest = `${mutation}(input: ${inputOf({ target, project, user })}) { __typename }`;
      const { body } = await operator.query(
        `mutation { first: revokeApiKey(input: { id: "${apiKey.id}" }) { __typename } rest: ${rest} }`,
        { token },
      );
      expect(body.errors).toMatchObject([{ path: ['rest'], extensions: { code: 'UNAUTHENTICATED' } }]);
      const newest = (await operator.query(LOG, { token: OPERATOR })).body.data.auditLog.nodes[0];
      expect({ mutation, ...newest }).toMatchObject({ mutation, action: 'KEY_REVOKED', subject: apiKey.id });
    }
  } finally {
    await operator.close();
  }
});

test('R9: a key that is only renamed in the meantime creates all keys', async () => {
  const author = await anAuthor();
  const input = { name: 'fine', scopes: ['admin'] };
  const sent = Array.from({ length: BATCH }, () => attempt(service, 'createApiKey', input, author.token));
  const answers = await losingMeanwhile(sent, () => act(service, 'updateApiKey', { id: author.id, name: 'renamed' }));
  expect(refusalsOf(answers)).toEqual([]);
  expect((await look(service, author.id)).name).toBe('renamed');
});
