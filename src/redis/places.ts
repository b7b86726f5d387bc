import { randomUUID } from 'node:crypto';
import type { Redis, Result } from 'ioredis';
import type { Places } from '../streams/places.js';
import { within } from './within.js';

/** How long an answer is waited for, in ms. */
const PATIENCE = 250;

/** How long a place counts that is not renewed, in ms: what a process held that was killed is free then. */
const LEASE = 30_000;

/** How often places are renewed, in ms. */
const RENEW_EVERY = 10_000;

/** KEYS: a family's places, each by the end of its lease on Redis' clock. ARGV: id, how many there may be, ms of a lease. */
const TAKE = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;

/** KEYS: as above. ARGV: ms of a lease, ids. A Redis that has started anew knows them again. */
const RENEW = `
local t = redis.call('TIME')
local ends = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], ends, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyTakePlace(key: string, id: string, limit: number, lease: number): Result<0 | 1, Context>;
    latchkeyRenewPlaces(key: string, lease: number, ...ids: string[]): Result<1, Context>;
  }
}

/**
 * Places that all processes on one Redis count together. Each is a lease, for a process that is killed gives nothing back.
 * Where Redis does not answer in time, this process counts its own streams alone: then as many processes may have as many
 * times the limit, and what each took is told to Redis when it is back.
 */
export class RedisPlaces implements Places {
  readonly #redis: Redis;
  readonly #held = new Map<string, Set<string>>();
  readonly #timer: NodeJS.Timeout;
  #renewing = false;

  /** @param redis on which nothing waits: see `connectionTo`. Who opened it closes it */
  constructor(redis: Redis) {
    this.#redis = redis;
    redis.defineCommand('latchkeyTakePlace', { numberOfKeys: 1, lua: TAKE });
    redis.defineCommand('latchkeyRenewPlaces', { numberOfKeys: 1, lua: RENEW });
    this.#timer = setInterval(() => void this.renew(), RENEW_EVERY).unref();
  }

  async take(family: string, limit: number): Promise<boolean> {
    const id = randomUUID();
    // Held before the answer: what is asked for at the same moment without Redis must count it.
    const held = this.#held.get(family) ?? new Set<string>();
    this.#held.set(family, held.add(id));
    const taken = await within(PATIENCE, this.#redis.latchkeyTakePlace(keyOf(family), id, limit, LEASE)).then(
      (answer) => answer === 1,
      () => held.size <= limit,
    );
    if (!taken) this.#letGo(family, id);
    return taken;
  }

  giveBack(family: string): void {
    const [id] = this.#held.get(family) ?? [];
    if (id !== undefined) this.#letGo(family, id);
  }

  /** Renews what is held. Stops at the first failure, and is called again. Never rejects. */
  async renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      for (const [family, ids] of this.#held) {
        await within(PATIENCE, this.#redis.latchkeyRenewPlaces(keyOf(family), LEASE, ...ids));
      }
    } catch {
      // Redis is away.
    } finally {
      this.#renewing = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #letGo(family: string, id: string): void {
    const held = this.#held.get(family);
    held?.delete(id);
    if (held?.size === 0) this.#held.delete(family);
    // Redis reads it after what was sent before, a renewal too; what does not arrive ends with its lease.
    this.#redis.zrem(keyOf(family), id).catch(() => undefined);
  }
}

function keyOf(family: string): string {
  return `latchkey:streams:{${family}}`;
}
