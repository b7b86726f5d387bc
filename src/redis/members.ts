import { randomUUID } from 'node:crypto';
import type { Redis, Result } from 'ioredis';
import { scaled, type TierLimits } from '../limits/tiers.js';
import { RATE_WINDOW } from '../limits/window.js';

/** A process that has not been heard of for so long is gone, in ms. */
const GONE_AFTER = 10_000;

/**
 * Beats after which a newcomer is known to all and knows all, each of which beats as often. Until then it has no share:
 * the others may still have divided everything among themselves.
 */
const BEATS_TO_SETTLE = 3;

/**
 * One beat. KEYS: the members by their last beat, and the mark of a return. ARGV: id, ms until a silent one is gone, and
 * for how many ms a return of this process is to be known (0: it was not away). Answers: is it new here (0 or 1), ms for
 * which a return is still to be known, all ids.
 */
const BEAT = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
local new = redis.call('ZADD', KEYS[1], now, ARGV[1])
if tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[2], '', 'PX', ARGV[3]) end
return { new, math.max(0, redis.call('PTTL', KEYS[2])), redis.call('ZRANGE', KEYS[1], 0, -1) }`;

/** The braces keep both on one node of a cluster. */
const MEMBERS = 'latchkey:{members}';
const RETURN = 'latchkey:{members}:return';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyBeat(
      members: string,
      mark: string,
      id: string,
      goneAfter: number,
      returned: number,
    ): Result<readonly [isNew: number, doubt: number, ids: readonly string[]], Context>;
  }
}

interface View {
  /** Living processes. */
  readonly of: number;
  /** How many of them come before this one. */
  readonly rank: number;
}

/**
 * The living processes, in a sorted set of Redis by the time of their last beat on Redis's clock, and what share of a
 * limit falls to this one: shares of one view never add up to more than the limit, whoever adopts a newer view first.
 * While Redis is away the last view stays.
 */
export class Members {
  readonly id = randomUUID();
  readonly #redis: Redis;
  #beats = 0;
  /** null: not settled. */
  #view: View | null = null;
  /** By what they are shares of: the same object at each call, for its identity is a cache's key. */
  #shares = new Map<TierLimits, TierLimits>();

  constructor(redis: Redis) {
    this.#redis = redis;
    redis.defineCommand('latchkeyBeat', { numberOfKeys: 2, lua: BEAT });
  }

  /**
   * Says that this process lives, and learns who else does. Rejects where Redis does not.
   *
   * @param returned was it alone before?
   * @returns ms for which Redis may lack what was admitted without it; 0 for who has been here all along
   */
  async beat(returned: boolean): Promise<number> {
    try {
      const window = returned ? RATE_WINDOW : 0;
      const [isNew, doubt, ids] = await this.#redis.latchkeyBeat(MEMBERS, RETURN, this.id, GONE_AFTER, window);
      this.#beats = isNew === 1 ? 1 : this.#beats + 1;
      if (this.#beats > BEATS_TO_SETTLE) this.#see({ of: ids.length, rank: ids.filter((id) => id < this.id).length });
      // Too long silent while Redis was there: the others have divided its share among themselves.
      else if (isNew === 1 && !returned) this.#see(null);
      return isNew === 1 || returned ? doubt : 0;
    } catch (error) {
      // A Redis that has started anew lists whoever came back first: the last view holds until all can have come.
      this.#beats = 0;
      throw error;
    }
  }

  /** What of a limit falls to this process, each whole unit to one. Nothing until it has settled. */
  share(limits: TierLimits): TierLimits {
    let share = this.#shares.get(limits);
    if (share === undefined) {
      share = scaled(limits, (limit) => this.#partOf(limit));
      this.#shares.set(limits, share);
    }
    return share;
  }

  async leave(): Promise<void> {
    await this.#redis.zrem(MEMBERS, this.id);
  }

  #partOf(limit: number): number {
    if (this.#view === null) return 0;
    const { of, rank } = this.#view;
    return Math.floor(limit / of) + (rank < limit % of ? 1 : 0);
  }

  #see(view: View | null): void {
    if (view?.of === this.#view?.of && view?.rank === this.#view?.rank) return;
    this.#view = view;
    this.#shares = new Map();
  }
}
