import { act, attempt, look } from './operations.js';
import { startService, type Answer, type TestService } from '../support/service.js';

/** What a key may no longer do, it does not do either with requests that waited for bcrypt meanwhile. */

let service: TestService;
// bcrypt at a cost at which the requests of a batch have to wait for each other.
beforeAll(async () => void (service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE', BCRYPT_COST: '10' } })));
afterAll(() => service.close());

const BATCH = 16;
const OPERATOR = 'an-operators-key-of-32-characters-or-more';
const LOG = `{ auditLog(first: 100) { nodes { seq action actor subject } } }`;

interface Entry {
  readonly seq: number;
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
  readonly action: string;
  readonly code: string;
  readonly lose: (author: Author) => Promise<unknown>;
}

const LOSSES: Readonly<Record<string, Loss>> = {
  'its revocation': {
    action: 'KEY_REVOKED',
    code: 'UNAUTHENTICATED',
    lose: ({ id }) => act(service, 'revokeApiKey', { id }),
  },
  'its end': {
    action: 'KEY_EXPIRED',
    code: 'UNAUTHENTICATED',
    lose: ({ id }) => act(service, 'expireApiKey', { id, at: '2000-01-01T00:00:00Z' }),
  },
  'the loss of a scope': {
    action: 'KEY_UPDATED',
    code: 'FORBIDDEN',
    lose: ({ id }) => act(service, 'updateApiKey', { id, scopes: ['read:assets'] }),
  },
  'the loss of its user’s role': {
    action: 'USER_UPDATED',
    code: 'FORBIDDEN',
    lose: ({ userId }) => act(service, 'updateUser', { id: userId, roles: ['viewer'] }),
  },
  'the removal of its user': {
    action: 'USER_REMOVED',
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

/** Sends all at once and has the author lose what they hold as soon as the first is answered: the others wait for bcrypt. */
const losingMeanwhile = async (sent: readonly Promise<Answer>[], lose: () => Promise<unknown>): Promise<Answer[]> => {
  await Promise.race(sent);
  await lose();
  return Promise.all(sent);
};

const refusalsOf = (answers: readonly Answer[]): string[] =>
  answers.flatMap(({ body }) => body.errors?.[0]?.extensions.code ?? []);

const log = async (): Promise<Entry[]> => (await service.query(LOG)).body.data.auditLog.nodes;

const CASES = Object.keys(LOSSES).flatMap((loss) => [
  ['createApiKey', 'KEY_CREATED', loss] as const,
  ['rotateApiKey', 'KEY_ROTATED', loss] as const,
]);

test.each(CASES)('R9: a key does no %s (%s) after %s', async (mutation, done, name) => {
  const author = await anAuthor();
  const loss = LOSSES[name];
  if (loss === undefined) throw new Error(name);
  const inputs: object[] = [];
  for (let i = 0; i < BATCH; i++) {
    if (mutation === 'createApiKey') inputs.push({ name: 'loot', scopes: ['admin'] });
    else inputs.push({ id: (await act(service, 'createApiKey', { name: 'target', scopes: ['admin'] })).apiKey.id });
  }
  const sent = inputs.map((input) => attempt(service, mutation, input, author.token));
  const answers = await losingMeanwhile(sent, () => loss.lose(author));
  const entries = await log();
  const lost = entries.find(
    ({ action, subject }) => action === loss.action && [author.id, author.userId].includes(subject),
  );
  const made = entries.filter(({ action, actor }) => action === done && actor === author.id);
  const refused = refusalsOf(answers);
  expect(made.length).toBeGreaterThan(0);
  expect(made.filter(({ seq }) => seq > (lost?.seq ?? 0))).toEqual([]);
  expect(new Set(refused)).toEqual(new Set([loss.code]));
  expect(made.length + refused.length).toBe(BATCH);
});

test('R9: a platform key creates no workspace once it is revoked', async () => {
  const operator = await startService({ env: { BCRYPT_COST: '10', ADMIN_API_KEY: OPERATOR } });
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

test('R9: a key that is only renamed meanwhile makes all of them', async () => {
  const author = await anAuthor();
  const input = { name: 'fine', scopes: ['admin'] };
  const sent = Array.from({ length: BATCH }, () => attempt(service, 'createApiKey', input, author.token));
  const answers = await losingMeanwhile(sent, () => act(service, 'updateApiKey', { id: author.id, name: 'renamed' }));
  expect(refusalsOf(answers)).toEqual([]);
  expect((await look(service, author.id)).name).toBe('renamed');
});
