import { limitFields } from '../../src/limits/fields.js';
import type { Admission, Subject } from '../../src/limits/limits.js';
import { connectionTo } from '../../src/redis/connection.js';
import { Members } from '../../src/redis/members.js';
import { SharedLimits } from '../../src/redis/sharedLimits.js';
import { tierTable } from '../../src/limits/tiers.js';
import { settled, startRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let server: TestRedis;
let opened: { close(): void | Promise<void> }[] = [];
beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  for (const one of opened.reverse()) await one.close();
  opened = [];
  await server.stop();
});

const subject: Subject = { family: 'a family', tier: 'STARTER' };

/** Of a third each: STARTER's writes 6 and 3 make 2 and 1. */
const tiers = tierTable({ STARTER: { categories: { write: { rate: 6, burst: 3 } } } });
const write: Subject = { ...subject, category: 'write' };

interface One {
  readonly limits: SharedLimits;
  /** Of its own windows, in ms. */
  now: number;
  readonly alone: boolean[];
  readonly trips: boolean[];
}

async function join(): Promise<One> {
  const redis = connectionTo(server.url);
  opened.push({ close: () => redis.disconnect() });
  await redis.connect();
  const one = { now: 1_000, alone: [] as boolean[], trips: [] as boolean[] };
  const limits = new SharedLimits({
    redis,
    tiers,
    clock: () => one.now,
    onAlone: (alone) => one.alone.push(alone),
    onRoundTrip: (ms, ok) => {
      expect(ms).toBeGreaterThanOrEqual(0);
      one.trips.push(ok);
    },
  });
  opened.push(limits);
  await limits.join();
  return Object.assign(one, { limits });
}

/** Joined, and with a share each: STARTER's 30 and 3 make 10 and 1 for each of three. */
async function joinThree(): Promise<[One, One, One]> {
  const all: [One, One, One] = [await join(), await join(), await join()];
  await settled(server.client(), 3);
  return all;
}

async function times(count: number, admit: () => Admission | Promise<Admission>): Promise<string[]> {
  const outcomes: string[] = [];
  for (let i = 0; i < count; i += 1) outcomes.push((await admit()).outcome);
  return outcomes;
}

test('together exactly what the tier allows, one question an admission', async () => {
  const all = [await join(), await join(), await join()];
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => all[i % 3]?.limits.admit({ ...subject, tier: 'GROWTH' })),
  );
  expect(answers.filter((answer) => answer?.outcome === 'admitted')).toHaveLength(25);
  expect(all.map(({ trips }) => trips.length)).toEqual([10, 10, 10]);
  expect((await all[0]?.limits.peek({ ...subject, tier: 'GROWTH' }))?.rate.remaining).toBe(475);
});

test.each(['kill', 'pause'] as const)('away (%s): each has its share, with what it let through before', async (how) => {
  const [first, second, third] = await joinThree();
  expect((await first.limits.admit(subject)).outcome).toBe('admitted');
  first.now += 1_000;
  await server[how]();
  const admitted: number[] = [];
  for (const one of [first, second, third]) {
    let count = 0;
    for (let second = 0; second < 15; second += 1, one.now += 1_000) {
      const outcomes = await times(2, () => one.limits.admit(subject));
      count += outcomes.filter((outcome) => outcome === 'admitted').length;
    }
    admitted.push(count);
    expect(one.limits.alone).toBe(true);
    expect(one.alone).toEqual([false, true]);
    expect(one.trips.filter((ok) => !ok).length).toBeLessThanOrEqual(1);
  }
  expect(admitted).toEqual([9, 10, 10]);
  // Now nothing waits: an answer without a promise.
  const refused = first.limits.admit(subject) as Admission;
  expect(refused).toMatchObject({ outcome: 'refused', window: 'rate', limit: 10, limits: { rate: 10, burst: 1 } });
  expect(limitFields(refused)).toMatchObject({ 'RateLimit-Policy': '"burst";q=1;w=1, "rate";q=10;w=60' });
  expect(first.limits.peek(subject)).toMatchObject({ rate: { limit: 10, remaining: 0 } });
});

test("away, each has its share of the category's limit, with what it let through before, and reads go on", async () => {
  const all = await joinThree();
  const [first] = all;
  expect(await first.limits.admit(write)).toMatchObject({
    outcome: 'admitted',
    categoryRoom: { rate: { remaining: 5 } },
  });
  first.now += 1_000;
  await server.kill();
  await until(() => all.every(({ limits }) => limits.alone));
  const admitted: number[] = [];
  for (const one of all) {
    let count = 0;
    for (let second = 0; second < 5; second += 1, one.now += 1_000) {
      const outcomes = await times(2, () => one.limits.admit(write));
      count += outcomes.filter((outcome) => outcome === 'admitted').length;
    }
    admitted.push(count);
  }
  expect(admitted).toEqual([1, 2, 2]);
  const refused = first.limits.admit(write) as Admission;
  expect(refused).toMatchObject({ outcome: 'refused', category: 'write', window: 'rate', limit: 2 });
  expect(limitFields(refused)).toMatchObject({
    'RateLimit-Policy': '"burst";q=1;w=1, "rate";q=10;w=60, "write-burst";q=1;w=1, "write-rate";q=2;w=60',
    RateLimit: expect.stringMatching(/^"write-rate";r=0;t=\d+$/),
  });
  // What the category refused was taken from nothing: two of the share's ten are used.
  expect(first.limits.peek(subject)).toMatchObject({ rate: { limit: 10, remaining: 8 } });
  expect((await times(8, () => ((first.now += 1_000), first.limits.admit(subject)))).at(-1)).toBe('admitted');
});

test('alone, a cost above the share is told to wait, and one above the tier that it never passes', async () => {
  const [first] = await joinThree();
  await server.kill();
  await until(() => first.limits.alone);
  const refused = first.limits.admit(subject, 3) as Admission;
  expect(refused).toMatchObject({ outcome: 'refused', retryAfterMs: 1_000, limit: 1 });
  expect(limitFields(refused)['Retry-After']).toBe('1');
  expect(first.limits.admit(subject, 4)).toMatchObject({ outcome: 'never', limit: 3, limits: { rate: 30 } });
  expect(first.limits.admit(write, 2)).toMatchObject({
    outcome: 'refused',
    retryAfterMs: 1_000,
    limit: 1,
    categoryRoom: { category: 'write', burst: { limit: 1, remaining: 1 } },
  });
  expect(() => first.limits.admit(subject, 0)).toThrow(RangeError);
});

test('who loses Redis before the others know of it has no share, and says so', async () => {
  const one = await join();
  await server.kill();
  await until(() => one.limits.alone);
  const refused = one.limits.admit(subject) as Admission;
  expect(refused).toMatchObject({ outcome: 'refused', retryAfterMs: 1_000, limit: 0 });
  expect(limitFields(refused)).toEqual({
    'RateLimit-Policy': '"burst";q=0;w=1, "rate";q=0;w=60',
    RateLimit: '"burst";r=0',
    'Retry-After': '1',
  });
});

test('it returns by itself, and for a minute nothing is let through that the shares would not', async () => {
  const all = await joinThree();
  const before = server.client();
  for (const one of all) {
    for (let i = 0; i < 4; i += 1, one.now += 1_000) {
      expect((await one.limits.admit(subject)).outcome).toBe('admitted');
      // Redis's own clock does not leap, and its burst is three a second.
      await before.del('latchkey:window:{a family}');
    }
  }
  await server.kill();
  await until(() => all.every(({ limits }) => limits.alone));
  // Empty: it would let 30 through.
  await server.start();
  await until(() => all.every(({ limits }) => !limits.alone));
  const after = server.client();
  const admitted: number[] = [];
  for (const one of all) {
    let count = 0;
    for (let i = 0; i < 10; i += 1, one.now += 1_000) {
      const { outcome } = await one.limits.admit(subject);
      if (outcome === 'admitted') count += 1;
      await after.del('latchkey:window:{a family}');
    }
    admitted.push(count);
  }
  expect(admitted).toEqual([6, 6, 6]);
  expect(all[0].alone).toEqual([false, true, false]);
  // After that minute the tier holds again, by one answer of Redis.
  all[0].now += 60_000;
  expect(await all[0].limits.admit(subject, 3)).toMatchObject({ outcome: 'admitted', limits: { rate: 30, burst: 3 } });
});

test('whoever starts within that minute is bound by a share too', async () => {
  const redis = server.client();
  await new Members(redis).beat(true);
  const late = await join();
  expect(late.limits.alone).toBe(false);
  expect(await late.limits.admit(subject)).toMatchObject({ outcome: 'refused', limit: 0 });
});

test('an answer that makes no sense is none', async () => {
  const one = await join();
  await server.client().set('latchkey:window:{a family}', 'a string');
  expect((await one.limits.admit(subject)).outcome).toBe('refused');
  expect(one.alone).toEqual([false, true]);
  await until(() => !one.limits.alone);
});

test("a caller's mistake is no loss of Redis", async () => {
  const one = await join();
  await expect(one.limits.admit(subject, 0)).rejects.toThrow(RangeError);
  expect(one.limits.alone).toBe(false);
});

test('on a clean close it leaves the others its share', async () => {
  const one = await join();
  const redis = server.client();
  expect(await redis.zcard('latchkey:{members}')).toBe(1);
  await one.limits.close();
  await one.limits.close();
  expect(await redis.zcard('latchkey:{members}')).toBe(0);
});
