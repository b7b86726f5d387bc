import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { Limiter } from '../../src/limits/limiter.js';
import { RedisWindows } from '../../src/redis/windows.js';
import { startRedis, until, type TestRedis } from '../support/redis.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = server.client();
});
afterAll(() => server.stop());

test('as exact as in memory, whatever is asked when, and when a tier changes', async () => {
  let now = 0;
  let run = 0;
  const tiers = { FREE_TRIAL: [20, 2], STARTER: [30, 3], GROWTH: [12, 5], PROFESSIONAL: [4, 9], ENTERPRISE: [60, 30] };
  const limitsOf = (tier: keyof typeof tiers) => ({
    keys: null,
    rate: tiers[tier][0] ?? 0,
    burst: tiers[tier][1] ?? 0,
  });
  const windows = new RedisWindows({
    redis,
    limitsOf,
    clock: { expression: 'tonumber(ARGV[6])', more: () => [now] },
  });
  const step = fc.record({
    wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 61_000 })),
    cost: fc.integer({ min: 1, max: 10 }),
    tier: fc.constantFrom('STARTER', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE' as const),
    peek: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const family = `family ${(run += 1)}`;
      now = 1_800_000_000_000;
      const model = new Limiter({ clock: () => now, limitsOf });
      for (const { wait, cost, tier, peek } of steps) {
        now += wait;
        const subject = { family, tier };
        if (peek) expect(await windows.peek(subject)).toEqual(model.peek(subject));
        else expect(await windows.admit(subject, cost)).toEqual(model.admit(subject, cost));
      }
      model.close();
    }),
    { numRuns: 200 },
  );
});

describe('round trips', () => {
  const subject = { family: 'a family', tier: 'GROWTH' } as const;

  /** What came over the network while `run` ran: not what the script itself calls. */
  async function commandsOf(run: () => Promise<unknown>): Promise<string[]> {
    const monitor = await redis.monitor();
    const commands: string[] = [];
    monitor.on('monitor', (_time: string, [name = '', first = '']: string[], source: string) => {
      if (source !== 'lua') commands.push(name === 'ping' ? first : name);
    });
    await run();
    // What is told last tells that all else was told.
    await redis.ping('end');
    await until(() => commands.includes('end'));
    monitor.disconnect();
    return commands.slice(0, commands.indexOf('end'));
  }

  it('one an admission, refused or not, and one a look', async () => {
    const windows = new RedisWindows({ redis });
    await windows.peek(subject);
    const commands = await commandsOf(async () => {
      for (let i = 0; i < 30; i += 1) await windows.admit(subject);
      await windows.peek(subject);
    });
    expect(commands).toEqual(Array.from({ length: 31 }, () => 'evalsha'));
  });

  it('the script is sent again where Redis has forgotten it', async () => {
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

test('what is held goes by itself', async () => {
  const windows = new RedisWindows({ redis });
  await windows.admit({ family: 'gone', tier: 'GROWTH' });
  const left = await redis.pttl('latchkey:window:{gone}');
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(60_000);
});

test('a cost that is none is the caller’s mistake, and a cost above the tier never passes', async () => {
  const windows = new RedisWindows({ redis });
  const subject = { family: 'costly', tier: 'STARTER' } as const;
  for (const cost of [0, -1, 1.5, NaN]) await expect(windows.admit(subject, cost)).rejects.toThrow(RangeError);
  expect(await windows.admit(subject, 4)).toMatchObject({ outcome: 'never', limit: 3 });
  expect((await windows.peek(subject)).rate.remaining).toBe(30);
});
