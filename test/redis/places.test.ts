import type { Redis } from 'ioredis';
import { connectionTo } from '../../src/redis/connection.js';
import { RedisPlaces } from '../../src/redis/places.js';
import { startRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let server: TestRedis;
let redis: Redis;
const opened: { places: RedisPlaces; connection: Redis }[] = [];
beforeAll(async () => {
  server = await startRedis();
  redis = server.client();
});
beforeEach(() => redis.flushall());
afterEach(() => {
  for (const { places, connection } of opened.splice(0)) {
    places.close();
    connection.disconnect();
  }
});
afterAll(() => server.stop());

/** As each process has them. */
async function process(): Promise<RedisPlaces> {
  const connection = connectionTo(server.url);
  await connection.connect();
  const places = new RedisPlaces(connection);
  opened.push({ places, connection });
  return places;
}

const KEY = 'latchkey:streams:{a}';
const times = (count: number, ...all: readonly [RedisPlaces, ...RedisPlaces[]]) =>
  Promise.all(Array.from({ length: count }, (_, i) => (all[i % all.length] ?? all[0]).take('a', 5)));
const granted = (answers: readonly unknown[]) => answers.filter((answer) => answer === true).length;

test('processes that ask at once are granted the limit together, and each family has its own', async () => {
  const [one, other] = [await process(), await process()];
  expect(granted(await times(30, one, other))).toBe(5);
  expect(await one.take('b', 1)).toBe(true);
  // What was refused is held by nobody.
  expect(await redis.zcard(KEY)).toBe(5);
});

test('a place that is given back is free for all; more than were taken are none', async () => {
  const [one, other] = [await process(), await process()];
  expect(await one.take('a', 1)).toBe(true);
  expect(await other.take('a', 1)).toBe(false);
  other.giveBack('a');
  expect(await other.take('a', 1)).toBe(false);
  one.giveBack('a');
  one.giveBack('a');
  await until(async () => other.take('a', 1), 'the place');
  expect(await one.take('a', 1)).toBe(false);
});

test('what a killed process held is free once its lease has ended, and what is renewed stays', async () => {
  const [one, other] = [await process(), await process()];
  await one.take('a', 2);
  await other.take('a', 2);
  expect(await redis.pttl(KEY)).toBeGreaterThan(29_000);
  const ids = await redis.zrange(KEY, '0', '-1');
  const seconds = Number((await redis.time())[0]);
  // As after half a minute of silence.
  for (const id of ids) await redis.zadd(KEY, (seconds - 1) * 1_000, id);
  await other.renew();
  expect(await one.take('a', 2)).toBe(true);
  expect(await one.take('a', 2)).toBe(false);
});

test('a Redis that has started anew is told what is open', async () => {
  const one = await process();
  expect(granted(await times(3, one))).toBe(3);
  await redis.flushall();
  await one.renew();
  expect(await redis.zcard(KEY)).toBe(3);
  expect(granted(await times(5, await process()))).toBe(2);
});

test('without Redis each counts its own, at once; Redis learns of them when it is back', async () => {
  const [one, other] = [await process(), await process()];
  expect(granted(await times(2, one))).toBe(2);
  server.pause();
  expect(granted(await times(10, one))).toBe(3);
  expect(granted(await times(10, other))).toBe(5);
  await one.renew();
  one.giveBack('a');
  expect(await one.take('a', 5)).toBe(true);
  server.resume();
  // Connections that owed answers for too long are made anew.
  await until(async () => {
    await one.renew();
    await other.renew();
    return (await redis.zcard(KEY)) === 10;
  }, 'all that are open');
  expect(await one.take('a', 5)).toBe(false);
});
