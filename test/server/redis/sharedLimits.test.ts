import type { SharedWindows, Subject } from '../../../src/core/limits/limits.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { connectionTo } from '../../../src/server/redis/redisConnection.js';
import { SharedLimits } from '../../../src/server/redis/sharedLimits.js';
import type { Trouble } from '../../../src/server/redis/redisSession.js';
import { blockThread } from '../../support/blockThread.js';
import { startProxy } from '../../support/proxy.js';
import { historyIn, startRedis, type TestRedis } from '../../support/redis.js';
import { until } from '../../support/until.js';

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
const tiers = tierTable({ STARTER: { categories: { write: { rate: 6, burst: 3 } } } });
const write: Subject = { ...subject, category: 'write' };
const UNAVAILABLE = { details: { code: 'UNAVAILABLE', retryAfter: 1 } };

interface One {
  readonly limits: SharedLimits;
  readonly troubles: (Trouble | null)[];
  readonly trips: boolean[];
}

async function join(port = server.port): Promise<One> {
  const redis = connectionTo(`redis://127.0.0.1:${port}`);
  opened.push({ close: () => redis.disconnect() });
  await redis.connect();
  const [troubles, trips]: [(Trouble | null)[], boolean[]] = [[], []];
  const limits = new SharedLimits({
    redis,
    tiers,
    onTrouble: (trouble) => troubles.push(trouble),
    onRoundTrip: (ms, ok) => {
      expect(ms).toBeGreaterThanOrEqual(0);
      trips.push(ok);
    },
  });
  opened.push(limits);
  await limits.join();
  return { limits, troubles, trips };
}

test('admits exactly what the tier allows in total, in two calls for ten admissions of one turn', async () => {
  const all = [await join(), await join(), await join()];
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => all[i % 3]?.limits.admit({ ...subject, tier: 'GROWTH' })),
  );
  expect(answers.filter((answer) => answer?.outcome === 'admitted')).toHaveLength(25);
  expect(all.map(({ trips }) => trips.length)).toEqual([2, 2, 2]);
  expect((await all[0]?.limits.peek({ ...subject, tier: 'GROWTH' }))?.rate.remaining).toBe(475);
});

test('a batch with a failing admission counts the others once, and refuses only that one', async () => {
  const { limits, troubles } = await join();
  await limits.admit(subject);
  await server.client().set(`latchkey:window:${limits.session.epoch}:{broken}`, 'a string');
  const families = ['a family', 'broken', 'another'];
  const answers = await Promise.allSettled(families.map((family) => limits.admit({ ...subject, family })));
  expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.outcome : 'rejected'))).toEqual([
    'admitted',
    'rejected',
    'admitted',
  ]);
  expect(troubles).toEqual([null, 'refuses WRONGTYPE']);
  expect((await limits.peek(subject)).rate.remaining).toBe(28);
});

test('X6: a batch whose reply is lost is taken back completely, and nothing else', async () => {
  const proxy = await startProxy(server.port);
  opened.push({ close: () => proxy.close() });
  const [one, other] = [await join(proxy.port), await join()];
  await one.limits.admit(subject);
  proxy.swallow(true);
  const lost = await Promise.allSettled(Array.from({ length: 2 }, () => one.limits.admit(write)));
  expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  proxy.swallow(false);
  await until(() => one.limits.session.trouble === null);
  await until(async () => (await other.limits.peek(write)).rate.remaining === 6);
  expect((await other.limits.peek(subject)).rate.remaining).toBe(29);
});

test('counts shared windows and cost units of several processes together, and restores them', async () => {
  const owner: SharedWindows = { of: 'owner', name: 'owner/usr_1', rate: 9, burst: 6 };
  const limits = tierTable({ STARTER: { rate: 50, burst: 50, cost: { max: 50, rate: 100, burst: 60 } } }).STARTER;
  const sharing: Subject = { family: 'a key', tier: 'STARTER', limits, shared: [owner] };
  const all = [await join(), await join()] as const;
  const answers = await Promise.all([0, 1, 0, 1].map(async (i) => all[i]?.limits.admit(sharing, 2, 10)));
  expect(answers.filter((answer) => answer?.outcome === 'admitted')).toHaveLength(3);
  expect(answers.find((answer) => answer?.outcome === 'refused')).toMatchObject({ of: 'owner', limit: 6 });
  if (answers[0]?.outcome === 'admitted') all[0].limits.giveBack(answers[0], 4);
  const costLeft = async (): Promise<number> => (await all[1].limits.peek(sharing, 'cost')).rate.remaining;
  await until(async () => (await costLeft()) === 74);
  await server.kill();
  await server.start();
  await until(() => all.every((one) => one.limits.session.trouble === null));
  expect(await costLeft()).toBe(74);
  expect((await all[0].limits.peek({ family: owner.name, tier: 'STARTER' })).rate.remaining).toBe(24);
});

test.each(['kill', 'pause'] as const)('X6: admits nothing without Redis (%s), and reports it once', async (how) => {
  const all = [await join(), await join()];
  expect((await all[0]?.limits.admit(subject))?.outcome).toBe('admitted');
  await server[how]();
  for (const { limits, troubles } of all) {
    await expect(limits.admit(subject)).rejects.toMatchObject(UNAVAILABLE);
    await until(() => limits.session.trouble === 'silent');
    await expect(limits.admit(subject)).rejects.toMatchObject(UNAVAILABLE);
    await expect(limits.peek(subject)).rejects.toMatchObject(UNAVAILABLE);
    expect(troubles).toEqual([null, 'silent']);
  }
});

test('sends no requests while Redis is known to be unavailable', async () => {
  const { limits, trips } = await join();
  await server.kill();
  await until(() => limits.session.trouble === 'silent');
  const before = trips.length;
  for (let i = 0; i < 20; i += 1) await expect(limits.admit(subject)).rejects.toMatchObject(UNAVAILABLE);
  expect(trips).toHaveLength(before);
});

test('X6: restores the windows, including those of categories, with their times after Redis restarts empty', async () => {
  const all = [await join(), await join()] as const;
  await all[0].limits.admit(write, 2);
  await all[1].limits.admit(subject);
  const client = server.client();
  const [key = ''] = await client.keys('latchkey:window:*{a family}');
  const before = await historyIn(client, key);
  await server.kill();
  await server.start();
  await until(() => all.every(({ limits }) => limits.session.trouble === null));
  for (const { limits } of all) {
    expect(await limits.peek(subject)).toMatchObject({ rate: { remaining: 27 } });
    expect(await limits.peek(write)).toMatchObject({ rate: { remaining: 4 } });
  }
  const after = server.client();
  const [restored = ''] = await after.keys('latchkey:window:*{a family}');
  expect(restored).not.toBe(key);
  const units = (entries: readonly { at: number; count: number }[]) =>
    entries.flatMap(({ at, count }) => Array.from({ length: count }, () => at));
  const [was, is] = [units(before), units(await historyIn(after, restored))];
  expect(is).toHaveLength(3);
  // Never earlier than before: otherwise a window would be shorter.
  is.forEach((at, i) => expect(at).toBeGreaterThanOrEqual(was[i] ?? Infinity));
});

test('refuses a reply that makes no sense, and still counts other requests', async () => {
  const { limits, troubles } = await join();
  await limits.admit({ ...subject, family: 'another' });
  const client = server.client();
  await client.set(`latchkey:window:${limits.session.epoch}:{a family}`, 'a string');
  await expect(limits.admit(subject)).rejects.toMatchObject(UNAVAILABLE);
  expect(troubles).toEqual([null, 'refuses WRONGTYPE']);
  expect((await limits.admit({ ...subject, family: 'another' })).outcome).toBe('admitted');
});

test("a caller's mistake is not treated as a failure of Redis", async () => {
  const { limits, troubles } = await join();
  await expect(limits.admit(subject, 0)).rejects.toThrow(RangeError);
  expect(troubles).toEqual([null]);
});

test('an epoch does not wait for a process that left without units in the windows', async () => {
  const [one, other] = [await join(), await join()];
  const redis = server.client();
  expect(await redis.zcard('latchkey:{members}')).toBe(2);
  await one.limits.close();
  await one.limits.close();
  expect(await redis.zcard('latchkey:{members}')).toBe(1);
  await other.limits.admit(subject);
  await other.limits.close();
  expect(await redis.zcard('latchkey:{members}')).toBe(1);
});

test('X10: a process that is busy for seconds does not consider a healthy Redis unavailable', async () => {
  const { limits, troubles } = await join();
  for (let i = 0; i < 2; i += 1) {
    const asked = limits.admit(subject);
    blockThread(2_500);
    expect((await asked).outcome).toBe('admitted');
  }
  expect(troubles).toEqual([null]);
});
