import type { Redis, Result } from 'ioredis';
import type { Admission, Limits, Subject } from '../limits/limits.js';
import { limitsOf as publishedLimits, type TierLimits } from '../limits/tiers.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from '../limits/window.js';
import type { Tier } from '../store/records.js';
import { windowScript } from './script.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyWindow(
      key: string,
      cost: number,
      rate: number,
      burst: number,
      rateWindow: number,
      burstWindow: number,
      ...more: number[]
    ): Result<Answer, Context>;
  }
}

type Answer = readonly [
  admitted: number,
  rateWait: number,
  burstWait: number,
  rateUsed: number,
  rateReturns: number,
  burstUsed: number,
  burstReturns: number,
];

export interface RedisWindowsOptions {
  readonly redis: Redis;
  /** The table of tiers. Default: the published one. */
  readonly limitsOf?: (tier: Tier) => TierLimits;
  /** See {@link windowScript}; with `more` as its further arguments. */
  readonly clock?: { readonly expression: string; readonly more: () => readonly number[] };
}

/**
 * Windows that several processes share, in Redis: one round trip an admission, as exact as the windows in memory.
 * It rejects where Redis does not answer: what to do then is for `SharedLimits` to say.
 */
export class RedisWindows implements Pick<Limits, 'admit' | 'peek'> {
  readonly #redis: Redis;
  readonly #limitsOf: (tier: Tier) => TierLimits;
  readonly #more: () => readonly number[];

  constructor({ redis, limitsOf = publishedLimits, clock }: RedisWindowsOptions) {
    this.#redis = redis;
    this.#limitsOf = limitsOf;
    this.#more = clock?.more ?? (() => []);
    redis.defineCommand('latchkeyWindow', { numberOfKeys: 1, lua: windowScript(clock?.expression) });
  }

  async admit({ family, tier }: Subject, cost = 1): Promise<Admission> {
    if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`The cost must be an integer >= 1, not ${cost}`);
    const limits = this.#limitsOf(tier);
    const highest = Math.min(limits.rate, limits.burst);
    const asked = cost > highest ? 0 : cost;
    const answer = await this.#ask(family, asked, limits);
    const room = roomOf(answer, limits);
    if (asked === 0) return { outcome: 'never', limits, room, limit: highest };
    const [admitted, rateWait, burstWait] = answer;
    if (admitted === 1) return { outcome: 'admitted', limits, room };
    return rateWait >= burstWait
      ? { outcome: 'refused', limits, room, window: 'rate', limit: limits.rate, retryAfterMs: rateWait }
      : { outcome: 'refused', limits, room, window: 'burst', limit: limits.burst, retryAfterMs: burstWait };
  }

  async peek({ family, tier }: Subject): Promise<Room> {
    const limits = this.#limitsOf(tier);
    return roomOf(await this.#ask(family, 0, limits), limits);
  }

  #ask(family: string, cost: number, { rate, burst }: TierLimits): Promise<Answer> {
    // The braces keep all that belongs to a family on one node of a cluster.
    const key = `latchkey:window:{${family}}`;
    return this.#redis.latchkeyWindow(key, cost, rate, burst, RATE_WINDOW, BURST_WINDOW, ...this.#more());
  }
}

function roomOf([, , , rateUsed, rateReturns, burstUsed, burstReturns]: Answer, { rate, burst }: TierLimits): Room {
  return { rate: windowRoom(rate, rateUsed, rateReturns), burst: windowRoom(burst, burstUsed, burstReturns) };
}

function windowRoom(limit: number, used: number, returns: number): WindowRoom {
  return { limit, remaining: Math.max(0, limit - used), returnsInMs: returns < 0 ? null : returns };
}
