import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Limits, Subject } from '../../../src/core/limits/limits.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { BURST_WINDOW, RATE_WINDOW } from '../../../src/core/limits/window.js';
import { connectionTo } from '../../../src/server/redis/redisConnection.js';
import { REDIS_TIME } from '../../../src/server/redis/question.js';
import { SharedLimits } from '../../../src/server/redis/sharedLimits.js';
import { startProxy, type TestProxy } from '../../support/proxy.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { most, startLoad, wronglyRefused, type Asked } from './load.js';

/** After a fault, everything that fits is admitted again within this time. */
export const RECOVERY = 2_000;

/** The rate is used up within a test, so that both windows limit. */
export const LIMITS = { rate: 90, burst: 25 };
export const tiers = tierTable({ GROWTH: LIMITS });
export const subject: Subject = { family: 'a family', tier: 'GROWTH' };

/** Redis' clock, which a test can move. */
export const MOVABLE = `(tonumber(redis.call('GET', 'moved') or 0) + ${REDIS_TIME})`;

/** One of several processes: it shares only Redis with the other processes, and reaches it through its own proxy. */
export interface One {
  readonly proxy: TestProxy;
  readonly redis: Redis;
  readonly limits: SharedLimits;
}

/** Processes that share one Redis. */
export class Sharing {
  readonly server: TestRedis;
  readonly #opened: { close(): unknown }[] = [];

  private constructor(server: TestRedis) {
    this.server = server;
    this.onClose(() => server.stop());
  }

  /** @param options of redis-server */
  static async start(...options: readonly string[]): Promise<Sharing> {
    return new Sharing(await startRedis(...options));
  }

  /** @param time Redis' clock in Lua */
  async join(time = REDIS_TIME): Promise<One> {
    const proxy = await startProxy(this.server.port);
    this.onClose(() => proxy.close());
    const redis = connectionTo(`redis://127.0.0.1:${proxy.port}`);
    this.onClose(() => redis.disconnect());
    const limits = new SharedLimits({ redis, tiers, time });
    this.onClose(() => limits.close());
    await redis.connect();
    await limits.join();
    return { proxy, redis, limits };
  }

  async three(time?: string): Promise<[One, One, One]> {
    return [await this.join(time), await this.join(time), await this.join(time)];
  }

  onClose(close: () => unknown): void {
    this.#opened.push({ close });
  }

  async close(): Promise<void> {
    for (const one of this.#opened.splice(0).reverse()) await one.close();
  }
}

/** Sends load to all processes before, during and after a fault. @returns the requests, and the end of the fault */
export async function through(
  all: readonly { readonly limits: Limits }[],
  fault: () => Promise<void>,
  after = RECOVERY + 1_500,
): Promise<{ asked: Asked[]; ended: number }> {
  const stop = startLoad(
    all.map(({ limits }) => limits),
    subject,
  );
  await delay(1_500);
  await fault();
  const ended = performance.now();
  await delay(after);
  return { asked: await stop(), ended };
}

/**
 * Expects that limits were never exceeded, and that nothing that fits was refused later than {@link RECOVERY} after the
 * fault.
 */
export function check({ asked, ended }: { asked: Asked[]; ended: number }): void {
  expect(most(asked, BURST_WINDOW)).toBeLessThanOrEqual(LIMITS.burst);
  expect(most(asked, RATE_WINDOW)).toBeLessThanOrEqual(LIMITS.rate);
  expect(wronglyRefused(asked, LIMITS, ended + RECOVERY)).toEqual([]);
  // It did not refuse everything.
  expect(asked.filter(({ outcome }) => outcome === 'admitted').length).toBeGreaterThan(LIMITS.rate / 2);
}
