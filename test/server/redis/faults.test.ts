import { setTimeout as delay } from 'node:timers/promises';
import { connectionTo } from '../../../src/server/redis/redisConnection.js';
import { SharedLimits } from '../../../src/server/redis/sharedLimits.js';
import { until } from '../../support/until.js';
import { check, LIMITS, MOVABLE, Sharing, subject, through, tiers } from './sharing.js';

let sharing: Sharing;
afterEach(() => sharing.close());

// The cases that found the most bugs. `npm run test:chaos` has more.

test('X6: one of three processes is cut off: never admits more than the limit, and refuses with UNAVAILABLE', async () => {
  sharing = await Sharing.start();
  const all = await sharing.three();
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

test('X6: restores the windows after Redis was killed without persistence', async () => {
  sharing = await Sharing.start('--save', '', '--appendonly', 'no');
  const all = await sharing.three();
  check(
    await through(all, async () => {
      await sharing.server.kill();
      await delay(500);
      await sharing.server.start();
    }),
  );
});

test('X6: the clock of Redis is set by an hour', async () => {
  sharing = await Sharing.start();
  const ms = 3_600_000;
  const all = await sharing.three(MOVABLE);
  const client = sharing.server.client();
  check(
    await through(all, async () => {
      const windows = await client.keys('latchkey:window:*');
      // Setting a clock forward by an hour expires all windows.
      const moved = client.multi().incrby('moved', ms);
      await moved.del(...windows).exec();
    }),
  );
});

test('X6: gives back the units of a request whose reply was lost', async () => {
  sharing = await Sharing.start();
  const [first, second] = await sharing.three();
  // Redis runs it, and its reply does not arrive.
  first.proxy.slow(60_000);
  const lost = first.limits.admit(subject, 5);
  await until(async () => (await second.limits.peek(subject)).rate.remaining === LIMITS.rate - 5);
  first.proxy.slow(0);
  first.proxy.cut(true);
  first.proxy.cut(false);
  await expect(lost).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
  await until(async () => (await second.limits.peek(subject)).rate.remaining === LIMITS.rate);
});

test("X6: refuses operations that a full Redis can't count, and reports it once", async () => {
  sharing = await Sharing.start();
  const told: unknown[] = [];
  const [first] = await sharing.three();
  const redis = connectionTo(sharing.server.url);
  const limits = new SharedLimits({ redis, tiers, onTrouble: (trouble) => told.push(trouble) });
  sharing.onClose(() => redis.disconnect());
  sharing.onClose(() => limits.close());
  await redis.connect();
  await limits.join();
  const client = sharing.server.client();
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
