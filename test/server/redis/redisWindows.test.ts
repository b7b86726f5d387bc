import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { CATEGORIES } from '../../../src/core/limits/category.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import type { Admission, CostTaken, SharedWindows } from '../../../src/core/limits/limits.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { type TierTable } from '../../../src/core/limits/tiers.js';
import type { Room } from '../../../src/core/limits/window.js';
import { RedisWindows, type Prepared } from '../../../src/server/redis/redisWindows.js';
import { limitsTo } from '../../core/limits/family.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { until } from '../../support/until.js';

const WRITES = tierTable({ GROWTH: { categories: { write: { rate: 4, burst: 4 } } } });

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = server.client();
});
afterAll(() => server.stop());

/** Redis and the memory identify the units that they took in different ways. */
function withoutTicket(admission: Admission): object {
  if (admission.outcome !== 'admitted' || admission.costTaken === undefined) return admission;
  const { at: _, ...costTaken } = admission.costTaken;
  return { ...admission, costTaken };
}

test('are as exact as in memory, for any batches of requests and after a change of tier', async () => {
  let now = 0;
  let run = 0;
  const tiers: TierTable = {
    FREE_TRIAL: limitsTo(20, 2),
    STARTER: limitsTo(30, 3, { write: { rate: 6, burst: 2 } }),
    GROWTH: limitsTo(12, 5, { write: { rate: 5, burst: 5 }, admin: { rate: 1, burst: 1 } }),
    PROFESSIONAL: limitsTo(4, 9, { read: { rate: 4, burst: 3 } }),
    ANONYMOUS: limitsTo(8, 3),
    KEY_CREATION: limitsTo(8, 3),
    VERIFICATION: limitsTo(8, 3),
    ENTERPRISE: limitsTo(60, 30, { write: { rate: 20, burst: 10 }, read: { rate: 60, burst: 30 } }),
  };
  const costly = { ...limitsTo(40, 20), cost: { max: 90, rate: 120, burst: 50 } };
  const frugal = { ...costly, cost: { max: 90, rate: 40, burst: 45 } };
  const windows = new RedisWindows({
    redis,
    tiers,
    clock: { expression: 'tonumber(ARGV[#ARGV])', more: () => [now] },
  });
  const step = fc.record({
    // Also fractions of a ms, which binary numbers have exactly.
    wait: fc.oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 50 }),
      fc.integer({ min: 0, max: 61_000 }),
      fc.constantFrom(999, 1_000, 60_000),
      fc.integer({ min: 0, max: 9_000 }).map((eighths) => eighths / 8),
    ),
    cost: fc.integer({ min: 1, max: 10 }),
    tier: fc.constantFrom('STARTER', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE' as const),
    category: fc.constantFrom(undefined, ...CATEGORIES),
    peek: fc.boolean(),
    family: fc.constantFrom('one', 'other'),
    limits: fc.option(fc.constantFrom(costly, frugal), { nil: undefined }),
    units: fc.integer({ min: 0, max: 60 }),
    shared: fc.subarray<SharedWindows>([
      { of: 'owner', name: 'owner', rate: 25, burst: 8 },
      { of: 'project', name: 'project', rate: 14, burst: 14 },
      { of: 'workspace', name: 'workspace', rate: 50, burst: 6 },
    ]),
    /** Give back units of one of the last admissions. */
    back: fc.option(fc.record({ of: fc.nat({ max: 5 }), cost: fc.integer({ min: 1, max: 60 }) })),
    /** The next request is in the same call. */
    joins: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      run += 1;
      now = 1_800_000_000_000;
      const model = new Limiter({ clock: () => now, tiers });
      const admitted: [Admission, Admission][] = [];
      let batch: { prepared: Prepared; expected: Admission | Room }[] = [];
      let tag = run * 1_000;
      const send = async (): Promise<void> => {
        const prepared = batch.map((each) => each.prepared);
        const answer = await windows.send(prepared, { epoch: '', earliest: 0, latest: Number.MAX_SAFE_INTEGER, tag });
        windows.read(prepared, answer).forEach((reply, i) => {
          const expected = batch[i]?.expected;
          if (expected === undefined || !('outcome' in expected)) {
            expect(reply.room(0)).toEqual(expected);
            return;
          }
          const admission = reply.admission(tag + i);
          expect(withoutTicket(admission)).toEqual(withoutTicket(expected));
          admitted.unshift([admission, expected]);
        });
        tag += batch.length;
        batch = [];
      };
      for (const { wait, cost, peek, back, joins, ...step } of steps) {
        if (batch.length === 0) now += wait;
        const { family, units, shared, ...more } = step;
        const subject = {
          ...more,
          family: `${family} ${run}`,
          ...(shared.length > 0 && { shared: shared.map((each) => ({ ...each, name: `${each.name} ${run}` })) }),
        };
        // With cost units only, too.
        const requests = units > 50 ? 0 : cost;
        batch.push(
          peek
            ? { prepared: windows.preparePeek(subject), expected: model.peek(subject) }
            : { prepared: windows.prepare(subject, requests, units), expected: model.admit(subject, requests, units) },
        );
        if (joins) continue;
        await send();
        const [[its, expected] = []] = admitted.splice(back?.of ?? 0, 1);
        if (back === null || its?.outcome !== 'admitted' || its.costTaken === undefined || expected === undefined)
          continue;
        await windows.giveBack('', its.costTaken, back.cost);
        model.giveBack(expected, back.cost);
        expect(await windows.peek(subject, 'cost')).toEqual(model.peek(subject, 'cost'));
      }
      if (batch.length > 0) await send();
      model.close();
    }),
    { numRuns: 200 },
  );
});

describe('round trips', () => {
  const subject = { family: 'a family', tier: 'GROWTH' } as const;

  /** The commands sent over the network while `run` ran, without those called by the script. */
  async function commandsOf(run: () => Promise<unknown>): Promise<string[]> {
    const monitor = await redis.monitor();
    const commands: string[] = [];
    monitor.on('monitor', (_time: string, [name = '', first = '']: string[], source: string) => {
      if (source !== 'lua') commands.push(name === 'ping' ? first : name);
    });
    await run();
    // The last reported command shows that all others were reported.
    await redis.ping('end');
    await until(() => commands.includes('end'));
    monitor.disconnect();
    return commands.slice(0, commands.indexOf('end'));
  }

  it('one for each admission, refused or not, and one for each peek', async () => {
    const windows = new RedisWindows({ redis });
    await windows.peek(subject);
    const commands = await commandsOf(async () => {
      for (let i = 0; i < 30; i += 1) await windows.admit(subject);
      await windows.peek(subject);
    });
    expect(commands).toEqual(Array.from({ length: 31 }, () => 'evalsha'));
  });

  it('also one if the category has separate windows', async () => {
    const windows = new RedisWindows({ redis, tiers: WRITES });
    const write = { ...subject, family: 'writes', category: 'write' } as const;
    // From here on, Redis knows both scripts.
    await windows.peek(write);
    await windows.admit({ ...write, family: 'earlier writes' });
    const outcomes: string[] = [];
    const commands = await commandsOf(async () => {
      for (let i = 0; i < 6; i += 1) outcomes.push((await windows.admit(write)).outcome);
      await windows.peek(write);
    });
    expect(commands).toEqual(Array.from({ length: 7 }, () => 'evalsha'));
    expect(outcomes).toEqual([...Array<string>(4).fill('admitted'), 'refused', 'refused']);
  });

  it('sends the script again if Redis has forgotten it', async () => {
    const windows = new RedisWindows({ redis });
    await windows.peek(subject);
    await redis.script('FLUSH');
    const commands = await commandsOf(async () => {
      const answers = Array.from({ length: 3 }, () => windows.admit({ ...subject, family: 'another' }));
      expect((await Promise.all(answers)).map(({ outcome }) => outcome)).toEqual(['admitted', 'admitted', 'admitted']);
      await windows.peek(subject);
    });
    expect(commands.filter((name) => name === 'eval').length).toBeGreaterThan(0);
    expect(commands.at(-1)).toBe('evalsha');
  });
});

test('a refusal by the category takes nothing from the tier, and a refusal by the tier nothing from the category', async () => {
  let now = 1_800_000_000_000;
  const windows = new RedisWindows({
    redis,
    tiers: WRITES,
    clock: { expression: 'tonumber(ARGV[#ARGV])', more: () => [now] },
  });
  const read = { family: 'both ways', tier: 'GROWTH', category: 'read' } as const;
  const write = { ...read, category: 'write' } as const;
  expect(await windows.admit(write, 4)).toMatchObject({ outcome: 'admitted', room: { rate: { remaining: 496 } } });
  for (let i = 0; i < 10; i += 1) {
    expect(await windows.admit(write)).toMatchObject({
      outcome: 'refused',
      category: 'write',
      window: 'rate',
      limit: 4,
    });
  }
  expect((await windows.peek(read)).burst.remaining).toBe(21);
  now += 60_000;
  expect((await windows.admit(read, 25)).outcome).toBe('admitted');
  for (let i = 0; i < 10; i += 1) {
    const refused = await windows.admit(write);
    expect(refused).toMatchObject({ outcome: 'refused', window: 'burst', limit: 25 });
    expect(refused).not.toHaveProperty('category');
  }
  expect((await windows.peek(write)).rate.remaining).toBe(4);
});

test('stores no list for a category without limits', async () => {
  const windows = new RedisWindows({ redis, tiers: WRITES });
  for (const category of CATEGORIES) await windows.admit({ family: 'lists', tier: 'GROWTH', category });
  expect((await redis.keys('latchkey:window:{lists}*')).sort()).toEqual([
    'latchkey:window:{lists}',
    'latchkey:window:{lists}/write',
  ]);
  expect(await redis.pttl('latchkey:window:{lists}/write')).toBeGreaterThan(0);
});

test('lists expire without another call', async () => {
  const windows = new RedisWindows({ redis });
  await windows.admit({ family: 'gone', tier: 'GROWTH' });
  const left = await redis.pttl('latchkey:window:{gone}');
  expect(left).toBeGreaterThan(60_000);
  expect(left).toBeLessThanOrEqual(71_000);
});

test('a list has an expiry that outlasts its entries, even after all of its units were given back', async () => {
  let now = 1_800_000_000_000;
  const clock = { expression: 'tonumber(ARGV[#ARGV])', more: () => [now] };
  const limits = { ...limitsTo(90, 90), cost: { max: 9, rate: 90, burst: 90 } };
  const windows = new RedisWindows({ redis, clock });
  const subject = { family: 'renewed', tier: 'GROWTH', limits } as const;
  for (let i = 0; i < 5; i += 1) {
    const admission = await windows.admit(subject, 1, 5);
    if (admission.outcome !== 'admitted' || admission.costTaken === undefined) throw new Error('It was not admitted.');
    await windows.giveBack('', admission.costTaken, 5);
    for (const key of ['{renewed}', '{renewed}/cost']) {
      expect(await redis.pttl(`latchkey:window:${key}`)).toBeGreaterThan(60_000);
    }
    now += 4_000;
  }
});

test('units of an earlier second that are given back make no room in the burst window', async () => {
  let now = 1_800_000_000_000;
  const clock = { expression: 'tonumber(ARGV[#ARGV])', more: () => [now] };
  const limits = { ...limitsTo(90, 90), cost: { max: 9, rate: 90, burst: 9 } };
  const windows = new RedisWindows({ redis, clock });
  const subject = { family: 'given back late', tier: 'GROWTH', limits } as const;
  const admit = async (units: number, tag: number): Promise<CostTaken | undefined> => {
    const batch = [windows.prepare(subject, 1, units)];
    const answer = await windows.send(batch, { epoch: '', earliest: 0, latest: Number.MAX_SAFE_INTEGER, tag });
    const [admission] = windows.read(batch, answer).map((reply) => reply.admission(tag));
    return admission?.outcome === 'admitted' ? admission.costTaken : undefined;
  };
  const first = await admit(4, 1);
  now += 1_500;
  await admit(6, 2);
  if (first === undefined) throw new Error('It was not admitted.');
  await windows.giveBack('', first, 4);
  expect(await windows.peek(subject, 'cost')).toMatchObject({ rate: { remaining: 84 }, burst: { remaining: 3 } });
});

test('an admission reads one entry of a history while nothing leaves its windows', async () => {
  const now = 1_800_000_000_000;
  const clock = { expression: 'tonumber(ARGV[#ARGV])', more: () => [now] };
  const windows = new RedisWindows({ redis, clock });
  const subject = { family: 'read once', tier: 'ENTERPRISE' } as const;
  await windows.admit(subject);
  await redis.config('RESETSTAT');
  for (let i = 0; i < 10; i += 1) await windows.admit(subject);
  expect(await redis.info('commandstats')).toContain('cmdstat_lindex:calls=10,');
});

test('rejects an invalid cost, and never admits a cost above the tier', async () => {
  const windows = new RedisWindows({ redis });
  const subject = { family: 'costly', tier: 'STARTER' } as const;
  for (const cost of [0, -1, 1.5, NaN]) await expect(windows.admit(subject, cost)).rejects.toThrow(RangeError);
  expect(await windows.admit(subject, 4)).toMatchObject({ outcome: 'never', limit: 3 });
  expect((await windows.peek(subject)).rate.remaining).toBe(30);
});
