import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, type TestRedis } from '../support/redis.js';
import { theEngine, type Engine } from './engine.js';
import { Closing } from './closing.js';
import { Fleet } from './fleet.js';
import { goThrough } from './trial.js';
import { REVOKED_WITHIN } from './work.js';

const closing = new Closing();
let engine: Engine;
let redis: TestRedis;
let fleet: Fleet;
beforeAll(async () => {
  engine = await theEngine();
  closing.add(() => engine.drop());
  redis = await startRedis();
  closing.add(() => redis.stop());
  fleet = await Fleet.start({ engine: engine.uri, redis: redis.port });
  closing.add(() => fleet.close());
});
afterAll(() => closing.close());

test.each(['cut', 'hold', 'swallow'] as const)('X10: no process can reach MongoDB: %s', async (how) => {
  const { began, ended, large } = await goThrough(fleet, async () => {
    for (const { engine: proxy } of fleet.members) proxy?.[how](true);
    await delay(5_000);
    for (const { engine: proxy } of fleet.members) proxy?.[how](false);
  });
  // A record that was read is used for AUTH_CACHE_TTL, but no longer.
  const late = large.filter(({ sent }) => sent > began + REVOKED_WITHIN && sent < ended - 100);
  expect(late.length).toBeGreaterThan(0);
  expect(late.filter(({ outcome }) => outcome === 'admitted')).toEqual([]);
});

test.each(['cut', 'hold', 'swallow'] as const)('X10: one of three processes cannot reach MongoDB: %s', async (how) => {
  const { began, ended, large } = await goThrough(fleet, async () => {
    fleet.member(0).engine?.[how](true);
    await delay(4_000);
    fleet.member(0).engine?.[how](false);
  });
  const during = large.filter(({ sent }) => sent > began && sent < ended);
  const others = during.filter(({ process }) => process > 0);
  expect(others.filter(({ outcome }) => outcome === 'unavailable')).toEqual([]);
  expect(others.some(({ outcome }) => outcome === 'admitted')).toBe(true);
});

test('X10: MongoDB responds 100 ms late', async () => {
  const { small, large } = await goThrough(fleet, async () => {
    for (const { engine: proxy } of fleet.members) proxy?.slow(100);
    await delay(4_000);
    for (const { engine: proxy } of fleet.members) proxy?.slow(0);
  });
  expect([...small, ...large].filter(({ outcome }) => outcome === 'unavailable')).toEqual([]);
});

test('X10: MongoDB is unavailable for 300 ms', async () => {
  await goThrough(fleet, async () => {
    for (const { engine: proxy } of fleet.members) proxy?.hold(true);
    await delay(300);
    for (const { engine: proxy } of fleet.members) proxy?.hold(false);
  });
});
