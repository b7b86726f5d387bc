import { isAlive, place, removeAll, startCluster, type Cluster } from './installation.js';

const WHO = '{ viewer { scopes } }';
const LIST = '{ assets { name } }';
const OPERATOR = 'operator-for-tests-'.repeat(2);

let cluster: Cluster;
let workers: readonly number[];
beforeAll(async () => {
  // A minute: changes that apply within the test do so because a worker was notified, not because its cache expired.
  const env = { AUTH_CACHE_TTL: '60000', ADMIN_API_KEY: OPERATOR, ...place() };
  cluster = startCluster(['--workers', '2'], env);
  await cluster.url();
  workers = await cluster.workers();
});
afterAll(removeAll);

interface Key {
  readonly id: string;
  readonly token: string;
}

/** A key that all workers have cached: each has accepted it. */
async function knownKey(query = WHO): Promise<Key> {
  const create = 'mutation { createApiKey(input: { name: "k", scopes: ["read:all"] }) { token apiKey { id } } }';
  const { token, apiKey } = (await cluster.ask(create, OPERATOR)).body.data.createApiKey;
  const statuses = await cluster.askEach(workers, query, token);
  for (const pid of workers) expect(statuses.get(pid)?.every((status) => status === 200)).toBe(true);
  return { id: apiKey.id, token };
}

/** The statuses of all workers, each at least once. */
async function statusesOf({ token }: Key, query = WHO): Promise<number[]> {
  const statuses = await cluster.askEach(workers, query, token);
  expect(workers.every((pid) => statuses.has(pid))).toBe(true);
  return [...new Set([...statuses.values()].flat())];
}

/** Makes one worker change it, and then another: so the tested worker is notified at least once. */
async function changedByEach(change: (key: Key) => string, query = WHO): Promise<Map<number, Key>> {
  const changedBy = new Map<number, Key>();
  for (let i = 0; i < 20 && changedBy.size < workers.length; i++) {
    const key = await knownKey(query);
    const answer = await cluster.ask(change(key), OPERATOR);
    expect(answer.body.errors).toBeUndefined();
    changedBy.set(await cluster.servedBy(answer), key);
    // Workers take turns, and a round makes an even number of connections: with one more, the next one goes to the
    // other worker.
    await cluster.ask('{ __typename }');
  }
  expect([...changedBy.keys()].sort()).toEqual([...workers].sort());
  return changedBy;
}

test('there are two workers', () => {
  expect(new Set(workers).size).toBe(2);
  expect(workers.every(isAlive)).toBe(true);
});

test('all workers refuse a key that one worker revoked', async () => {
  const revoke = ({ id }: Key): string => `mutation { revokeApiKey(input: { id: "${id}" }) { apiKey { status } } }`;
  for (const key of (await changedByEach(revoke)).values()) expect(await statusesOf(key)).toEqual([401]);
});

test('all workers refuse a key that one worker let expire', async () => {
  const expire = ({ id }: Key): string =>
    `mutation { expireApiKey(input: { id: "${id}", at: "2020-01-01T00:00:00Z" }) { apiKey { status } } }`;
  for (const key of (await changedByEach(expire)).values()) expect(await statusesOf(key)).toEqual([401]);
});

test('a change of scopes by one worker applies to all', async () => {
  const narrow = ({ id }: Key): string =>
    `mutation { updateApiKey(input: { id: "${id}", scopes: ["write:assets"] }) { apiKey { scopes } } }`;
  for (const key of (await changedByEach(narrow, LIST)).values()) {
    expect(await statusesOf(key, LIST)).toEqual([403]);
    expect(await statusesOf(key)).toEqual([200]);
  }
});

test("a change of a workspace's tier by one worker applies to all", async () => {
  const key = await knownKey();
  const setTier = (tier: string): string =>
    `mutation { setWorkspaceTier(input: { workspaceId: "default", tier: ${tier} }) { workspace { tier } } }`;
  const policies = async (): Promise<unknown[]> => {
    const told = new Map<number, unknown>();
    for (let i = 0; i < 40 && told.size < workers.length; i++) {
      const answer = await cluster.ask(WHO, key.token);
      told.set(await cluster.servedBy(answer), answer.headers['ratelimit-policy']);
    }
    return [...told.values()];
  };
  expect(await policies()).toEqual(Array(2).fill('"burst";q=100;w=1, "rate";q=5000;w=60'));
  expect((await cluster.ask(setTier('PROFESSIONAL'), OPERATOR)).body.errors).toBeUndefined();
  expect(await policies()).toEqual(Array(2).fill('"burst";q=50;w=1, "rate";q=1000;w=60'));
});
