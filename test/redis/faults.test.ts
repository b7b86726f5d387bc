import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Limits, Subject } from '../../src/limits/limits.js';
import { tierTable } from '../../src/limits/tiers.js';
import { BURST_WINDOW, RATE_WINDOW } from '../../src/limits/window.js';
import { connectionTo } from '../../src/redis/connection.js';
import { REDIS_TIME } from '../../src/redis/question.js';
import { SharedLimits } from '../../src/redis/sharedLimits.js';
import { startProxy, type TestProxy } from '../support/proxy.js';
import { startRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import { most, startLoad, wronglyRefused, type Asked } from './load.js';

/** Within this time after a fault everything that fits is admitted again. */
const RECOVERY = 2_000;

/** The rate is used up within a test, so that both windows bind. */
const LIMITS = { rate: 90, burst: 25 };
const tiers = tierTable({ GROWTH: LIMITS });
const subject: Subject = { family: 'a family', tier: 'GROWTH' };

/** Redis' clock, which a test can move. */
const MOVABLE = `(tonumber(redis.call('GET', 'moved') or 0) + ${REDIS_TIME})`;

let server: TestRedis;
let opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.reverse()) await one.close();
  opened = [];
});

interface One {
  readonly proxy: TestProxy;
  readonly redis: Redis;
  readonly limits: SharedLimits;
}

/** One process of several: what it shares with the others is Redis alone, which it reaches by a proxy of its own. */
async function join(time = REDIS_TIME): Promise<One> {
  const proxy = await startProxy(server.port);
  const redis = connectionTo(`redis://127.0.0.1:${proxy.port}`);
  const limits = new SharedLimits({ redis, tiers, time });
  opened.push(proxy, { close: () => redis.disconnect() }, limits);
  await redis.connect();
  await limits.join();
  return { proxy, redis, limits };
}

async function three(time?: string, ...options: string[]): Promise<[One, One, One]> {
  server = await startRedis(...options);
  opened.push({ close: () => server.stop() });
  return [await join(time), await join(time), await join(time)];
}

/** Lets three processes ask before, during and after a fault. @returns what was asked, and when the fault ended */
async function through(
  all: readonly { readonly limits: Limits }[],
  fault: () => Promise<void>,
  after = RECOVERY + 1_500,
): Promise<{ asked: Asked[]; ended: number }> {
  const stop = startLoad(
    all.map(({ limits }) => limits),
    subject,
  );
  await delay(1_500);
  await fault();
  const ended = performance.now();
  await delay(after);
  return { asked: await stop(), ended };
}

function check({ asked, ended }: { asked: Asked[]; ended: number }): void {
  expect(most(asked, BURST_WINDOW)).toBeLessThanOrEqual(LIMITS.burst);
  expect(most(asked, RATE_WINDOW)).toBeLessThanOrEqual(LIMITS.rate);
  expect(wronglyRefused(asked, LIMITS, ended + RECOVERY)).toEqual([]);
  // It did not refuse everything.
  expect(asked.filter(({ outcome }) => outcome === 'admitted').length).toBeGreaterThan(LIMITS.rate / 2);
}

test('X6: one of three processes is cut off: never over the limit, and it refuses with UNAVAILABLE', async () => {
  const all = await three();
  const found = await through(all, async () => {
    all[0].proxy.cut(true);
    await delay(2_000);
    all[0].proxy.cut(false);
  });
  check(found);
  const during = found.asked.filter(({ sent }) => sent > found.ended - 1_500 && sent < found.ended - 500);
  expect(new Set(during.filter(({ process }) => process === 0).map(({ outcome }) => outcome))).toEqual(
    new Set(['unavailable']),
  );
  expect(during.some(({ process, outcome }) => process > 0 && outcome === 'admitted')).toBe(true);
});

test('X6: what one process sends is swallowed: never over the limit, and back within two seconds', async () => {
  const all = await three();
  check(
    await through(all, async () => {
      all[0].proxy.swallow(true);
      await delay(1_500);
      all[0].proxy.swallow(false);
    }),
  );
});

test.each([100, 1_000, 5_000])('X6: Redis is stopped for %i ms: back within two seconds', async (ms) => {
  const all = await three();
  check(
    await through(all, async () => {
      server.pause();
      await delay(ms);
      server.resume();
    }),
  );
});

test('X6: CLIENT PAUSE for 1.5 s: back within two seconds', async () => {
  const ms = 1_500;
  const all = await three();
  check(
    await through(all, async () => {
      await server.client().client('PAUSE', ms, 'ALL');
      await delay(ms);
    }),
  );
});

test('X6: answers that take 400 ms are waited for', async () => {
  const all = await three();
  const found = await through(all, async () => {
    for (const { proxy } of all) proxy.slow(400);
    await delay(2_000);
    for (const { proxy } of all) proxy.slow(0);
  });
  check(found);
  expect(found.asked.filter(({ outcome }) => outcome === 'unavailable')).toEqual([]);
});

test.each([
  ['nothing', ['--save', '', '--appendonly', 'no']],
  ['everything', ['--appendonly', 'yes', '--appendfsync', 'always']],
  ['what was written by the last second', ['--appendonly', 'yes', '--appendfsync', 'everysec']],
] as const)('X6: Redis is killed and keeps %s: its windows are restored', async (_, options) => {
  const all = await three(undefined, ...options);
  check(
    await through(all, async () => {
      await server.kill();
      await delay(500);
      await server.start();
    }),
  );
});

test('X6: Redis fails over to a replica that lacks what was written last', async () => {
  const all = await three();
  const replica = await startRedis();
  opened.unshift({ close: () => replica.stop() });
  const client = replica.client();
  await client.replicaof('127.0.0.1', server.port);
  await until(async () => (await client.info('replication')).includes('master_link_status:up'));
  check(
    await through(all, async () => {
      // It lags: what is written from now on does not reach it.
      await client.replicaof('127.0.0.1', 1);
      await delay(500);
      await server.kill();
      await client.replicaof('NO', 'ONE');
      for (const { proxy } of all) proxy.lead(replica.port);
    }),
  );
});

test('X6: Redis becomes a replica and a master again under the same connections', async () => {
  const all = await three();
  const client = server.client();
  check(
    await through(all, async () => {
      await client.replicaof('127.0.0.1', 1);
      await delay(500);
      await client.flushall().catch(() => undefined);
      await client.replicaof('NO', 'ONE');
      await client.flushall();
    }),
  );
});

test.each([3_600_000, -90_000, 500, -40])('X6: the clock of Redis is moved by %i ms', async (ms) => {
  const all = await three(MOVABLE);
  const client = server.client();
  check(
    await through(all, async () => {
      const windows = await client.keys('latchkey:window:*');
      // A clock that is set forward by a minute ends whatever expires.
      const moved = client.multi().incrby('moved', ms);
      await (ms > 60_000 ? moved.del(...windows) : moved).exec();
    }),
  );
});

test('X6: whoever starts while an epoch begins admits nothing before the others have restored theirs', async () => {
  const all = await three();
  const found = await through(
    all,
    async () => {
      await server.client().flushall();
      const late = await join();
      const stop = startLoad([late.limits], subject);
      opened.push({ close: stop });
    },
    4_000,
  );
  const late = opened.at(-1) as unknown as { close(): Promise<Asked[]> };
  const asked = [...found.asked, ...(await late.close())];
  expect(most(asked, RATE_WINDOW)).toBeLessThanOrEqual(LIMITS.rate);
  expect(most(asked, BURST_WINDOW)).toBeLessThanOrEqual(LIMITS.burst);
});

test('X6: a process that ended within the last minute is waited for, if Redis has lost its data', async () => {
  const [first, second, third] = await three();
  await until(() => second.limits.session.knows >= 2 && third.limits.session.knows >= 2);
  expect((await first.limits.admit(subject)).outcome).toBe('admitted');
  // As if it had been killed.
  first.proxy.cut(true);
  await server.client().flushall();
  await until(() => second.limits.session.trouble === 'restoring');
  await delay(RECOVERY);
  for (const { limits } of [second, third]) {
    await expect(limits.admit(subject)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    expect(limits.session.trouble).toBe('restoring');
  }
  first.proxy.cut(false);
  await until(() => second.limits.session.trouble === null && third.limits.session.trouble === null);
  expect(await second.limits.peek(subject)).toMatchObject({ rate: { remaining: LIMITS.rate - 1 } });
});

test('X6: what was taken for a request whose answer was lost is given back', async () => {
  const [first, second] = await three();
  // Redis takes it, and its answer does not arrive.
  first.proxy.slow(60_000);
  const lost = first.limits.admit(subject, 5);
  await until(async () => (await second.limits.peek(subject)).rate.remaining === LIMITS.rate - 5);
  first.proxy.slow(0);
  first.proxy.cut(true);
  first.proxy.cut(false);
  await expect(lost).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
  await until(async () => (await second.limits.peek(subject)).rate.remaining === LIMITS.rate);
});

test('X6: a full Redis refuses what it does not count, and that is reported once', async () => {
  const told: unknown[] = [];
  const [first] = await three();
  const redis = connectionTo(server.url);
  const limits = new SharedLimits({ redis, tiers, onTrouble: (trouble) => told.push(trouble) });
  opened.push({ close: () => redis.disconnect() }, limits);
  await redis.connect();
  await limits.join();
  const client = server.client();
  const ask = () =>
    limits.admit(subject).then(
      () => 'counted',
      () => 'refused',
    );
  for (let i = 0; i < 3; i += 1) {
    await client.config('SET', 'maxmemory', '1');
    expect(await ask()).toBe('refused');
    await client.config('SET', 'maxmemory', '0');
    expect(await ask()).toBe('counted');
    await delay(1_100);
  }
  expect(told).toEqual([null, 'refuses OOM']);
  expect(await first.limits.peek(subject)).toMatchObject({ rate: { remaining: LIMITS.rate - 3 } });
});
