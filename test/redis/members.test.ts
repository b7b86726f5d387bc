import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { Members } from '../../src/redis/members.js';
import { limitsTo } from '../limits/family.js';
import { startRedis, type TestRedis } from '../support/redis.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = server.client();
});
beforeEach(() => redis.flushall());
afterAll(() => server.stop());

const limits = (rate: number, burst: number) =>
  limitsTo(rate, burst, { write: { rate: Math.floor(rate / 2), burst: Math.floor(burst / 3) } });

async function beat(all: readonly Members[], times = 4): Promise<void> {
  for (let i = 0; i < times; i += 1) for (const members of all) await members.beat(false);
}

test('shares add up to the limit, however many there are', async () => {
  const all: Members[] = [];
  for (let count = 1; count <= 7; count += 1) {
    all.push(new Members(redis));
    await beat(all);
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(200), (rate, burst) => {
        const table = limits(rate, burst);
        const shares = all.map((members) => members.share(table));
        expect(shares.reduce((sum, share) => sum + share.rate, 0)).toBe(rate);
        expect(shares.reduce((sum, share) => sum + share.burst, 0)).toBe(burst);
        const writes = shares.map(({ categories }) => categories.write ?? { rate: NaN, burst: NaN });
        expect(writes.reduce((sum, share) => sum + share.rate, 0)).toBe(Math.floor(rate / 2));
        expect(writes.reduce((sum, share) => sum + share.burst, 0)).toBe(Math.floor(burst / 3));
        // A category's share is never above the tier's, as its limit is not.
        shares.forEach((share, i) => expect(share.rate).toBeGreaterThanOrEqual(writes[i]?.rate ?? NaN));
        expect(Math.max(...shares.map((share) => share.rate))).toBe(Math.ceil(rate / count));
      }),
      { numRuns: 50 },
    );
  }
});

test('while some come and go, in whatever order they beat, what they believe never adds up to more than the limit', async () => {
  const event = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('beat' as const), who: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat(9) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), fc.nat(40), async (events, rate) => {
      await redis.flushall();
      let living = [new Members(redis), new Members(redis)];
      await beat(living);
      for (const { kind, who } of events) {
        const one = living[who % living.length];
        if (kind === 'leave' && living.length > 1) {
          await one?.leave();
          living = living.filter((members) => members !== one);
        } else if (who > 7 && living.length < 5) {
          living.push(new Members(redis));
        } else {
          // Each beats as often as the others: a newcomer has not settled before all have seen it.
          await beat(living.slice(who % living.length).concat(living.slice(0, who % living.length)), 1);
        }
        const table = limits(rate, rate);
        expect(living.reduce((sum, members) => sum + members.share(table).rate, 0)).toBeLessThanOrEqual(rate);
      }
    }),
    { numRuns: 60 },
  );
});

test('a newcomer has no share until the others know of it', async () => {
  const first = new Members(redis);
  await beat([first]);
  const second = new Members(redis);
  const table = limits(500, 25);
  expect(second.share(table)).toEqual(limits(0, 0));
  await second.beat(false);
  expect([first.share(table).rate, second.share(table).rate]).toEqual([500, 0]);
  await beat([first, second], 3);
  expect([first.share(table).rate, second.share(table).rate]).toEqual([250, 250]);
  // The same object, since its identity is a cache's key.
  expect(first.share(table)).toBe(first.share(table));
});

test('who leaves, and who is silent for ten seconds, leaves its share to the others', async () => {
  const all = [new Members(redis), new Members(redis), new Members(redis)] as const;
  await beat(all);
  const [first, second, third] = all;
  const table = limits(30, 3);
  // The one write in a burst falls to one of the three, by the order of their random ids.
  expect(first.share(table)).toMatchObject({ rate: 10, burst: 1, categories: { write: { rate: 5 } } });
  await third.leave();
  await beat([first, second], 1);
  expect(first.share(table).rate + second.share(table).rate).toBe(30);
  const [seconds] = await redis.time();
  await redis.zadd('latchkey:{members}', (Number(seconds) - 9) * 1_000, second.id);
  await first.beat(false);
  expect(first.share(table).rate).toBe(15);
  await redis.zadd('latchkey:{members}', (Number(seconds) - 11) * 1_000, second.id);
  await first.beat(false);
  expect(first.share(table).rate).toBe(30);
  // Back, it has none until the others know.
  await second.beat(false);
  expect(second.share(table).rate).toBe(0);
  await beat([first, second], 3);
  expect(first.share(table).rate + second.share(table).rate).toBe(30);
  expect(second.share(table).rate).toBe(15);
});

test('a Redis that has started anew lists whoever came back first: shares stay until all can have come', async () => {
  const all = [new Members(redis), new Members(redis)] as const;
  await beat(all);
  const table = limits(30, 3);
  await redis.flushall();
  const [first, second] = all;
  await first.beat(true);
  expect(first.share(table).rate).toBe(15);
  await first.beat(false);
  await second.beat(true);
  await beat(all, 3);
  expect([first.share(table).rate, second.share(table).rate]).toEqual([15, 15]);
});

test('that one came back is known to newcomers for a minute, and to nobody who was here', async () => {
  const [first, second, third] = [new Members(redis), new Members(redis), new Members(redis)] as const;
  expect(await first.beat(false)).toBe(0);
  expect(await second.beat(false)).toBe(0);
  // A millisecond may have passed between its being set and its being read.
  expect(await first.beat(true)).toBeGreaterThan(59_000);
  expect(await second.beat(false)).toBe(0);
  const doubt = await third.beat(false);
  expect(doubt).toBeGreaterThan(0);
  expect(doubt).toBeLessThanOrEqual(60_000);
});
