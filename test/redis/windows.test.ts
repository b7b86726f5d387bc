import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { Limiter } from '../../src/limits/limiter.js';
import { RedisWindows } from '../../src/redis/windows.js';

let server: ChildProcess;
let redis: Redis;
beforeAll(async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  });
  redis = new Redis({ port, host: '127.0.0.1' });
  await redis.ping();
});
afterAll(async () => {
  redis.disconnect();
  server.kill();
  await once(server, 'exit');
});

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
      const model = new Limiter({ clock: () => now, limitsOf: limitsOf as never });
      for (const { wait, cost, tier, peek } of steps) {
        now += wait;
        const subject = { family, tier: tier as 'GROWTH' };
        if (peek) expect(await windows.peek(subject)).toEqual(model.peek(subject));
        else expect(await windows.admit(subject, cost)).toEqual(model.admit(subject, cost));
      }
      model.close();
    }),
    { numRuns: 200 },
  );
});
