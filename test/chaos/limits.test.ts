import { setTimeout as delay } from 'node:timers/promises';
import { BURST_WINDOW, RATE_WINDOW } from '../../src/core/limits/window.js';
import { most, startLoad, type Asked } from '../server/redis/load.js';
import { check, LIMITS, MOVABLE, RECOVERY, Sharing, subject, through } from '../server/redis/sharing.js';
import { startRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let sharing: Sharing;
afterEach(() => sharing.close());

test('X6: packets of one process are lost: the limit is never exceeded, and the process recovers within two seconds', async () => {
  sharing = await Sharing.start();
  const all = await sharing.three();
  check(
    await through(all, async () => {
      all[0].proxy.swallow(true);
      await delay(1_500);
      all[0].proxy.swallow(false);
    }),
  );
});

test.each([100, 1_000, 5_000])('X6: Redis is stopped for %i ms: recovers within two seconds', async (ms) => {
  sharing = await Sharing.start();
  const all = await sharing.three();
  check(
    await through(all, async () => {
      sharing.server.pause();
      await delay(ms);
      sharing.server.resume();
    }),
  );
});

test('X6: CLIENT PAUSE for 1.5 s: recovers within two seconds', async () => {
  sharing = await Sharing.start();
  const ms = 1_500;
  const all = await sharing.three();
  check(
    await through(all, async () => {
      await sharing.server.client().client('PAUSE', ms, 'ALL');
      await delay(ms);
    }),
  );
});

test('X6: waits for responses that take 400 ms', async () => {
  sharing = await Sharing.start();
  const all = await sharing.three();
  const found = await through(all, async () => {
    for (const { proxy } of all) proxy.slow(400);
    await delay(2_000);
    for (const { proxy } of all) proxy.slow(0);
  });
  check(found);
  expect(found.asked.filter(({ outcome }) => outcome === 'unavailable')).toEqual([]);
});

test.each([
  ['everything', ['--appendonly', 'yes', '--appendfsync', 'always']],
  ['what was written by the last second', ['--appendonly', 'yes', '--appendfsync', 'everysec']],
] as const)('X6: Redis is killed and keeps %s: its windows are restored', async (_, options) => {
  sharing = await Sharing.start(...options);
  const all = await sharing.three();
  check(
    await through(all, async () => {
      await sharing.server.kill();
      await delay(500);
      await sharing.server.start();
    }),
  );
});

test('X6: Redis fails over to a replica that lacks the last writes', async () => {
  sharing = await Sharing.start();
  const all = await sharing.three();
  const replica = await startRedis();
  sharing.onClose(() => replica.stop());
  const client = replica.client();
  await client.replicaof('127.0.0.1', sharing.server.port);
  await until(async () => (await client.info('replication')).includes('master_link_status:up'));
  check(
    await through(all, async () => {
      // The replica lags: it does not receive further writes.
      await client.replicaof('127.0.0.1', 1);
      await delay(500);
      await sharing.server.kill();
      await client.replicaof('NO', 'ONE');
      for (const { proxy } of all) proxy.lead(replica.port);
    }),
  );
});

test('X6: Redis becomes a replica and a master again under the same connections', async () => {
  sharing = await Sharing.start();
  const all = await sharing.three();
  const client = sharing.server.client();
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

test.each([90_000, -90_000, 500, -40])('X6: the clock of Redis is moved by %i ms', async (ms) => {
  sharing = await Sharing.start();
  const all = await sharing.three(MOVABLE);
  const client = sharing.server.client();
  check(
    await through(all, async () => {
      const windows = await client.keys('latchkey:window:*');
      // A clock that is set forward by a minute expires all keys of Redis.
      const moved = client.multi().incrby('moved', ms);
      await (ms > 60_000 ? moved.del(...windows) : moved).exec();
    }),
  );
});

test('X6: a process that starts while an epoch begins admits nothing before the others have restored their windows', async () => {
  sharing = await Sharing.start();
  const all = await sharing.three();
  let stopLate = (): Promise<Asked[]> => Promise.resolve([]);
  const found = await through(
    all,
    async () => {
      await sharing.server.client().flushall();
      const late = await sharing.join();
      stopLate = startLoad([late.limits], subject);
    },
    4_000,
  );
  const asked = [...found.asked, ...(await stopLate())];
  expect(most(asked, RATE_WINDOW)).toBeLessThanOrEqual(LIMITS.rate);
  expect(most(asked, BURST_WINDOW)).toBeLessThanOrEqual(LIMITS.burst);
});

test('X6: if Redis has lost its data, waits for a process that ended within the last minute', async () => {
  sharing = await Sharing.start();
  const [first, second, third] = await sharing.three();
  await until(() => second.limits.session.knows >= 2 && third.limits.session.knows >= 2);
  expect((await first.limits.admit(subject)).outcome).toBe('admitted');
  // As if it had been killed.
  first.proxy.cut(true);
  await sharing.server.client().flushall();
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
