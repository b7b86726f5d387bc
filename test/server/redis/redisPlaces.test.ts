import type { Redis } from 'ioredis';
import { connectionTo } from '../../../src/server/redis/redisConnection.js';
import { REDIS_TIME } from '../../../src/server/redis/question.js';
import { RedisSession } from '../../../src/server/redis/redisSession.js';
import { RedisPlaces } from '../../../src/server/redis/redisPlaces.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { until } from '../../support/until.js';

let server: TestRedis;
let redis: Redis;
const opened: { places: RedisPlaces; connection: Redis; session: RedisSession }[] = [];
beforeAll(async () => {
  server = await startRedis();
  redis = server.client();
});
beforeEach(() => redis.flushall());
afterEach(async () => {
  for (const { places, connection, session } of opened.splice(0)) {
    await session.close(false);
    places.close();
    connection.disconnect();
  }
});
afterAll(() => server.stop());

/** The places of one process. */
async function process(time = REDIS_TIME): Promise<RedisPlaces> {
  const connection = connectionTo(server.url);
  await connection.connect();
  const session = new RedisSession({ redis: connection, time });
  const places = new RedisPlaces(connection, session);
  await session.join();
  opened.push({ places, connection, session });
  return places;
}

const keyOfA = async (): Promise<string> => (await redis.keys('latchkey:streams:*:{a}'))[0] ?? '';
const times = (count: number, ...all: readonly [RedisPlaces, ...RedisPlaces[]]) =>
  Promise.all(Array.from({ length: count }, (_, i) => (all[i % all.length] ?? all[0]).take('a', 5)));
const granted = (answers: readonly unknown[]) => answers.filter((answer) => answer === true).length;

test('grants exactly the limit to processes that ask at the same time, separately for each family', async () => {
  const [one, other] = [await process(), await process()];
  expect(granted(await times(30, one, other))).toBe(5);
  expect(await one.take('b', 1)).toBe(true);
  // Refused places are not stored.
  expect(await redis.zcard(await keyOfA())).toBe(5);
});

test('a place that is given back is free for all processes, and no more can be given back than were taken', async () => {
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

test('frees the places of a killed process once its lease has ended, and keeps renewed ones', async () => {
  const [one, other] = [await process(), await process()];
  await one.take('a', 2);
  await other.take('a', 2);
  expect(await redis.pttl(await keyOfA())).toBeGreaterThan(29_000);
  const ids = await redis.zrange(await keyOfA(), '0', '-1');
  const seconds = Number((await redis.time())[0]);
  // As after half a minute of silence.
  for (const id of ids) await redis.zadd(await keyOfA(), (seconds - 1) * 1_000, id);
  await other.renew();
  expect(await one.take('a', 2)).toBe(true);
  expect(await one.take('a', 2)).toBe(false);
});

test('X6: restores open places before granting new ones after Redis lost its data', async () => {
  const one = await process();
  expect(granted(await times(3, one))).toBe(3);
  await redis.flushall();
  const other = await process();
  await until(() => opened.every(({ session }) => session.trouble === null));
  expect(await redis.zcard(await keyOfA())).toBe(3);
  expect(granted(await times(5, other))).toBe(2);
});

test('X6: grants no place without Redis, keeps open streams, and stays within the limit after that', async () => {
  const [one, other] = [await process(), await process()];
  expect(granted(await times(2, one))).toBe(2);
  server.pause();
  for (const places of [one, other]) {
    await expect(places.take('a', 5)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
  }
  one.giveBack('a');
  server.resume();
  await until(() => opened.every(({ session }) => session.trouble === null));
  // Places returned in the meantime, and places taken by refused calls.
  await until(async () => (await redis.zcard(await keyOfA())) === 1);
  expect(granted(await times(10, one, other))).toBe(4);
  expect(await redis.zcard(await keyOfA())).toBe(5);
});

test('X6: setting the clock of Redis forward ends no lease', async () => {
  const moved = `(tonumber(redis.call('GET', 'moved') or 0) + ${REDIS_TIME})`;
  const [one, other] = [await process(moved), await process(moved)];
  expect(granted(await times(5, one))).toBe(5);
  await redis.set('moved', 3_600_000);
  await expect(other.take('a', 5)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
  await until(() => opened.every(({ session }) => session.isOpen));
  expect(await other.take('a', 5)).toBe(false);
});
