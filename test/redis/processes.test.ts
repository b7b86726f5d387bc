import { setTimeout as delay } from 'node:timers/promises';
import { startProcesses, type Process, type Processes } from '../support/processes.js';
import { historyIn, settled, startRedis, until, type TestRedis } from '../support/redis.js';

/** Within so many ms a change acts in every other process. */
const BOUND = 100;

const ALONE = { status: 'ready', limits: 'alone: Redis does not answer' };

let redis: TestRedis;
let processes: Processes;
beforeAll(async () => {
  redis = await startRedis();
  // Records are remembered for a minute: what acts sooner acts by the publication.
  processes = await startProcesses(3, {
    REDIS_URL: redis.url,
    AUTH_CACHE_TTL: '60000',
    DEFAULT_TIER: 'PROFESSIONAL',
  });
});
afterAll(async () => {
  await processes.stop();
  await redis.stop();
});

const setTier = (tier: string) =>
  processes.change(`setWorkspaceTier(input: { workspaceId: "default", tier: ${tier} })`);
const each = <T>(ask: (process: Process) => Promise<T>) => Promise.all(processes.all.map(ask));
const statuses = (token: string, query = '{ viewer { scopes } }') =>
  each(async (process) => (await process.query(query, token)).status);

/** Four askers at each process until each process says that the minute is used up. @returns how many each let through */
function hammer(token: string): Promise<number[]> {
  return each(async ({ query }) => {
    let admitted = 0;
    let used = false;
    const ask = async (): Promise<void> => {
      while (!used) {
        const { status, body } = await query('{ viewer { scopes } }', token);
        if (status === 200) admitted += 1;
        else {
          expect([status, body.errors[0].extensions]).toEqual([429, expect.objectContaining({ code: 'RATE_LIMITED' })]);
          used = body.errors[0].extensions.window === 60;
        }
      }
    };
    await Promise.all([ask(), ask(), ask(), ask()]);
    return admitted;
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

/** The most that any second holds, and all, of the one history of this length. */
async function heldOf(total: number): Promise<number> {
  const client = redis.client();
  for (const key of await client.keys('latchkey:window:*')) {
    const entries = await historyIn(client, key);
    if (sum(entries.map(({ count }) => count)) !== total) continue;
    const secondFrom = (from: number) => entries.filter(({ at }) => at >= from && at < from + 1_000);
    return Math.max(...entries.map(({ at }) => sum(secondFrom(at).map(({ count }) => count))));
  }
  throw new Error(`No history holds ${total}.`);
}

test('three processes admit together exactly what the tier allows', async () => {
  const key = await processes.createKey('read:assets');
  await setTier('STARTER');
  await delay(BOUND);
  const admitted = await hammer(key.token);
  expect(sum(admitted)).toBe(30);
  expect(await heldOf(30)).toBe(3);
  await setTier('PROFESSIONAL');
});

describe('within 100 ms acts in the other processes', () => {
  it('a change of tier', async () => {
    const key = await processes.createKey('read:assets');
    const policies = () =>
      each(async ({ query }) => (await query('{ viewer { scopes } }', key.token)).headers.get('ratelimit-policy'));
    expect(new Set(await policies())).toEqual(new Set(['"burst";q=50;w=1, "rate";q=1000;w=60']));
    await setTier('ENTERPRISE');
    await delay(BOUND);
    expect(new Set(await policies())).toEqual(new Set(['"burst";q=100;w=1, "rate";q=5000;w=60']));
    await setTier('PROFESSIONAL');
  });

  it('a change of scopes', async () => {
    const key = await processes.createKey('admin');
    const query = '{ apiKeys { totalCount } }';
    expect(await statuses(key.token, query)).toEqual([200, 200, 200]);
    await processes.change(`updateApiKey(input: { id: "${key.id}", scopes: ["read:assets"] })`);
    await delay(BOUND);
    expect(await statuses(key.token, query)).toEqual([403, 403, 403]);
  });

  it('an expiry', async () => {
    const key = await processes.createKey('read:assets');
    expect(await statuses(key.token)).toEqual([200, 200, 200]);
    await processes.change(`expireApiKey(input: { id: "${key.id}", at: "2000-01-01T00:00:00Z" })`);
    await delay(BOUND);
    expect(await statuses(key.token)).toEqual([401, 401, 401]);
  });

  it('a revocation', async () => {
    const key = await processes.createKey('read:assets');
    expect(await statuses(key.token)).toEqual([200, 200, 200]);
    await processes.change(`revokeApiKey(input: { id: "${key.id}" })`);
    await delay(BOUND);
    expect(await statuses(key.token)).toEqual([401, 401, 401]);
  });
});

test('a Redis that says nothing: answers go on, /readyz tells of it, and it returns by itself', async () => {
  const key = await processes.createKey('read:assets');
  expect(await statuses(key.token)).toEqual([200, 200, 200]);
  expect(await each(({ ready }) => ready())).toEqual([{ status: 'ready' }, { status: 'ready' }, { status: 'ready' }]);
  await settled(redis.client(), 3);
  redis.pause();
  expect(await statuses(key.token)).toEqual([200, 200, 200]);
  await until(async () => (await each(({ ready }) => ready())).every((answer) => 'limits' in (answer as object)));
  expect(await each(({ ready }) => ready())).toEqual([ALONE, ALONE, ALONE]);
  redis.resume();
  await until(async () => (await each(({ ready }) => ready())).every((answer) => !('limits' in (answer as object))));
});

test('a Redis that is killed: each has its share, and one that starts anew and empty lets no more through', async () => {
  const key = await processes.createKey('read:assets');
  const other = await processes.createKey('read:assets');
  await setTier('STARTER');
  expect(await statuses(other.token)).toEqual([200, 200, 200]);
  await settled(redis.client(), 3);
  await delay(BOUND);
  await redis.kill();
  expect(await hammer(key.token)).toEqual([10, 10, 10]);
  expect(await each(({ ready }) => ready())).toEqual([ALONE, ALONE, ALONE]);

  await redis.start();
  await until(async () => (await each(({ ready }) => ready())).every((answer) => !('limits' in (answer as object))));
  expect(await statuses(key.token)).toEqual([429, 429, 429]);

  // Whoever listens again hears again.
  await settled(redis.client(), 3);
  expect(await statuses(other.token)).toEqual([200, 200, 200]);
  // Not by the first: the operator's key has used up its share there.
  await processes.change(`revokeApiKey(input: { id: "${other.id}" })`, 1);
  await delay(BOUND);
  expect(await statuses(other.token)).toEqual([401, 401, 401]);
});
