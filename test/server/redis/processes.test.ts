import { setTimeout as delay } from 'node:timers/promises';
import { startProcesses, type Process, type Processes } from '../../support/processes.js';
import { historyIn, startRedis, type TestRedis } from '../../support/redis.js';
import { until } from '../../support/until.js';

/**
 * In ms, the longest value: a cached record is read again after this time. Changes that apply sooner do so because of a
 * published message.
 */
const CACHE_TTL = 60_000;

const AWAY = { status: 'Redis does not answer.' };
const READY = { status: 'ready' };

let redis: TestRedis;
let processes: Processes;
beforeAll(async () => {
  redis = await startRedis();
  processes = await startProcesses(3, {
    REDIS_URL: redis.url,
    AUTH_CACHE_TTL: String(CACHE_TTL),
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
/** The limits in each process' response. */
const policies = (token: string) =>
  each(async ({ query }) => (await query('{ viewer { scopes } }', token)).headers.get('ratelimit-policy'));
const statuses = (token: string, query = '{ viewer { scopes } }') =>
  each(async (process) => (await process.query(query, token)).status);

/** As in RateLimit-Policy. */
const [SMALL, GENEROUS] = ['"burst";q=3;w=1, "rate";q=30;w=60', '"burst";q=50;w=1, "rate";q=1000;w=60'];

/**
 * Waits until all processes respond as expected, which a published message causes: otherwise it would take CACHE_TTL.
 */
async function acts<T>(ask: () => Promise<T[]>, ...expected: readonly T[]): Promise<void> {
  const changed = Date.now();
  // Each attempt takes three of the 50 requests that the key may send in a second.
  await until(async () => (await ask()).every((answer) => expected.includes(answer)), { every: 100 });
  expect(Date.now() - changed).toBeLessThan(CACHE_TTL / 2);
}

/**
 * Sends requests to each process with four clients until it reports that the minute is used up. @returns the admitted
 * requests of each process
 */
function hammer(token: string): Promise<number[]> {
  return each(async ({ query }) => {
    let admitted = 0;
    let used = false;
    const ask = async (): Promise<void> => {
      while (!used) {
        const { status, body } = await query('{ viewer { scopes } }', token);
        if (status === 200) admitted += 1;
        else {
          // The 12 callers still send a hundred requests a second. The tier allows three.
          await delay(100);
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

/** The highest number in any second, and the total, of the only history with this length. */
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

test('three processes together admit exactly what the tier allows', async () => {
  const [key, other] = [await processes.createKey('read:assets'), await processes.createKey('read:assets')];
  await setTier('STARTER');
  await acts(() => policies(other.token), SMALL);
  const admitted = await hammer(key.token);
  expect(sum(admitted)).toBe(30);
  expect(await heldOf(30)).toBe(3);
  await setTier('PROFESSIONAL');
});

describe('takes effect immediately in the other processes', () => {
  it('a change of tier', async () => {
    const key = await processes.createKey('read:assets');
    await acts(() => policies(key.token), GENEROUS);
    await setTier('ENTERPRISE');
    await acts(() => policies(key.token), '"burst";q=100;w=1, "rate";q=5000;w=60');
    await setTier('PROFESSIONAL');
  });

  it('a change of scopes', async () => {
    const key = await processes.createKey('admin');
    const query = '{ apiKeys { totalCount } }';
    expect(await statuses(key.token, query)).toEqual([200, 200, 200]);
    await processes.change(`updateApiKey(input: { id: "${key.id}", scopes: ["read:assets"] })`);
    await acts(() => statuses(key.token, query), 403);
  });

  it('an expiry', async () => {
    const key = await processes.createKey('read:assets');
    expect(await statuses(key.token)).toEqual([200, 200, 200]);
    await processes.change(`expireApiKey(input: { id: "${key.id}", at: "2000-01-01T00:00:00Z" })`);
    await acts(() => statuses(key.token), 401);
  });

  it('a revocation', async () => {
    const key = await processes.createKey('read:assets');
    expect(await statuses(key.token)).toEqual([200, 200, 200]);
    await processes.change(`revokeApiKey(input: { id: "${key.id}" })`);
    await acts(() => statuses(key.token), 401);
  });
});

const readiness = () => each(({ ready }) => ready());
const all = (answer: unknown) => async () =>
  (await readiness()).every((one) => JSON.stringify(one) === JSON.stringify(answer));

test('X6: a Redis that does not respond: requests get 503, /readyz shows the reason, and the processes recover automatically', async () => {
  const key = await processes.createKey('read:assets');
  expect(await statuses(key.token)).toEqual([200, 200, 200]);
  expect(await readiness()).toEqual([READY, READY, READY]);
  redis.pause();
  const refused = await each(({ query }) => query('{ viewer { scopes } }', key.token));
  for (const { status, body, headers } of refused) {
    expect([status, body.errors[0].extensions]).toEqual([503, { code: 'UNAVAILABLE', retryAfter: 1 }]);
    expect(headers.get('retry-after')).toBe('1');
  }
  await until(all(AWAY));
  redis.resume();
  await until(all(READY));
  expect(await statuses(key.token)).toEqual([200, 200, 200]);
});

test('X6: a Redis that restarts empty admits no more than the limit, and subscribers get messages again', async () => {
  const [key, other] = [await processes.createKey('read:assets'), await processes.createKey('read:assets')];
  await setTier('STARTER');
  await acts(() => policies(other.token), SMALL);
  expect(sum(await hammer(key.token))).toBe(30);
  await redis.kill();
  expect(await statuses(key.token)).toEqual([503, 503, 503]);
  expect(await readiness()).toEqual([AWAY, AWAY, AWAY]);
  await redis.start();
  await until(all(READY));
  expect(await statuses(key.token)).toEqual([429, 429, 429]);
  await processes.change(`revokeApiKey(input: { id: "${other.id}" })`, 1);
  await acts(() => statuses(other.token), 401);
});
