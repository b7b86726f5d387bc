import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import { Closing } from './closing.js';
import { Fleet } from './fleet.js';
import { goThrough } from './trial.js';

const closing = new Closing();
let redis: TestRedis;
let fleet: Fleet;
beforeAll(async () => {
  redis = await startRedis();
  closing.add(() => redis.stop());
  fleet = await Fleet.start({ redis: redis.port });
  closing.add(() => fleet.close());
});
afterAll(() => closing.close());

test('X6: Redis is killed and starts again empty', async () => {
  await goThrough(fleet, async () => {
    await redis.kill();
    await delay(1_000);
    await redis.start();
  });
});

test.each([100, 1_000, 5_000])('X6: Redis is stopped by SIGSTOP for %i ms', async (ms) => {
  await goThrough(fleet, async () => {
    redis.pause();
    await delay(ms);
    redis.resume();
  });
});

test('X6: Redis is paused by CLIENT PAUSE', async () => {
  await goThrough(fleet, async () => {
    await redis.client().client('PAUSE', 1_500, 'ALL');
    await delay(1_500);
  });
});

test('X6: Redis responds 300 ms late', async () => {
  await goThrough(fleet, async () => {
    for (const { redis: proxy } of fleet.members) proxy?.slow(300);
    await delay(3_000);
    for (const { redis: proxy } of fleet.members) proxy?.slow(0);
  });
});

test.each(['cut', 'hold', 'swallow'] as const)('X6: one of three processes cannot reach Redis: %s', async (how) => {
  const { began, ended, large } = await goThrough(fleet, async () => {
    fleet.member(0).redis?.[how](true);
    await delay(4_000);
    fleet.member(0).redis?.[how](false);
  });
  // The other processes serve requests, this one does not.
  const during = large.filter(({ sent }) => sent > began + 1_500 && sent < ended - 200);
  expect(new Set(during.filter(({ process }) => process === 0).map(({ outcome }) => outcome))).toEqual(
    new Set(['unavailable']),
  );
  expect(during.some(({ process, outcome }) => process > 0 && outcome === 'admitted')).toBe(true);
});

test('X6: Redis is full', async () => {
  await goThrough(fleet, async () => {
    await redis.client().config('SET', 'maxmemory-policy', 'noeviction');
    await redis.client().config('SET', 'maxmemory', '1');
    await delay(2_000);
    await redis.client().config('SET', 'maxmemory', '0');
  });
});

test('X6: Redis fails over to a replica, and the old server is killed', async () => {
  const replica = await startRedis();
  try {
    const client = replica.client();
    await client.replicaof('127.0.0.1', redis.port);
    await until(async () => (await client.info('replication')).includes('master_link_status:up'));
    await goThrough(fleet, async () => {
      await redis.kill();
      await client.replicaof('NO', 'ONE');
      for (const { redis: proxy } of fleet.members) proxy?.lead(replica.port);
    });
    // And back to the first server, which is empty.
    await redis.start();
    await goThrough(fleet, async () => {
      await replica.kill();
      for (const { redis: proxy } of fleet.members) proxy?.lead(redis.port);
    });
  } finally {
    await replica.stop();
  }
});
