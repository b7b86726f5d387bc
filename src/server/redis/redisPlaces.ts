import { randomUUID } from 'node:crypto';
import type { Redis, Result } from 'ioredis';
import type { Places } from '../../core/streams/streamPlaces.js';
import { EPOCH } from './beat.js';
import { OTHER_EPOCH, OUT_OF_BOUNDS, type Answer, type Question } from './question.js';
import { PATIENCE, type RedisSession } from './redisSession.js';
import { within } from './within.js';

/**
 * How long a place is valid without being renewed, in ms. After this time the places of a killed process are free
 * again.
 */
const LEASE = 30_000;

/** How often places are renewed, in ms. */
const RENEW_EVERY = 10_000;

/**
 * The start of both scripts. KEYS: the places of a family with the ends of their leases, and the epoch. ARGV: the
 * epoch, the bounds of the clock, the length of a lease in ms, …
 */
const begun = (time: string): string => `
local now = ${time}
if (redis.call('HGET', KEYS[2], 'epoch') or '') ~= ARGV[1] then return { ${OTHER_EPOCH}, now } end
if now < tonumber(ARGV[2]) or now > tonumber(ARGV[3]) then return { ${OUT_OF_BOUNDS}, now } end`;

/** … the ID, the maximum number of places. */
const takeScript = (time: string): string => `${begun(time)}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[6]) then return { 0, now } end
redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 1, now }`;

/** … IDs. */
const renewScript = (time: string): string => `${begun(time)}
for i = 5, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 1, now }`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyTakePlace(key: string, epoch: string, ...more: (string | number)[]): Result<Answer, Context>;
    latchkeyRenewPlaces(key: string, epoch: string, ...more: (string | number)[]): Result<Answer, Context>;
  }
}

/**
 * Places that all processes on one Redis count together. Each is a lease, because a killed process can't give its
 * places back. Without Redis no place is granted, because it is unknown how many the other processes granted. Open streams
 * keep theirs, and after Redis lost its data, they are restored before new ones are given.
 */
export class RedisPlaces implements Places {
  readonly #redis: Redis;
  readonly #session: RedisSession;
  readonly #held = new Map<string, Set<string>>();
  readonly #timer: NodeJS.Timeout;
  #renewing = false;

  /** @param redis a connection that does not queue commands, see `connectionTo`. The code that opened it closes it */
  constructor(redis: Redis, session: RedisSession) {
    this.#redis = redis;
    this.#session = session;
    redis.defineCommand('latchkeyTakePlace', { numberOfKeys: 2, lua: takeScript(session.time) });
    redis.defineCommand('latchkeyRenewPlaces', { numberOfKeys: 2, lua: renewScript(session.time) });
    session.onRestore((epoch) => this.#restore(epoch));
    this.#timer = setInterval(() => void this.renew(), RENEW_EVERY).unref();
  }

  take(family: string, limit: number): Promise<boolean> {
    const id = randomUUID();
    return this.#session.ask(
      (question) => this.#redis.latchkeyTakePlace(keyOf(question.epoch, family), EPOCH, ...begin(question), id, limit),
      ([taken]) => {
        if (taken === 1) this.#held.set(family, (this.#held.get(family) ?? new Set()).add(id));
        return taken === 1;
      },
      { giveBack: ({ epoch }) => this.#redis.zrem(keyOf(epoch, family), id) },
    );
  }

  giveBack(family: string): void {
    const held = this.#held.get(family);
    const [id] = held ?? [];
    if (held === undefined || id === undefined) return;
    held.delete(id);
    if (held.size === 0) this.#held.delete(family);
    // Redis runs this after the commands sent before, including a renewal.
    const key = keyOf(this.#session.epoch, family);
    this.#session.giveBack(() => within(PATIENCE, this.#redis.zrem(key, id)));
  }

  /** Renews the places of this process. Stops at the first failure; the timer tries again. Never rejects. */
  async renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      for (const [family, ids] of this.#held) {
        await this.#session.ask(
          (question) =>
            this.#redis.latchkeyRenewPlaces(keyOf(question.epoch, family), EPOCH, ...begin(question), ...ids),
          () => undefined,
        );
      }
    } catch {
      // Redis is unavailable.
    } finally {
      this.#renewing = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #restore(epoch: string): Promise<void> {
    const any = { epoch, earliest: 0, latest: Number.MAX_SAFE_INTEGER };
    for (const [family, ids] of this.#held) {
      await this.#redis.latchkeyRenewPlaces(keyOf(epoch, family), EPOCH, ...begin(any), ...ids);
    }
  }
}

function begin({ epoch, earliest, latest }: Omit<Question, 'tag'>): (string | number)[] {
  return [epoch, earliest, latest, LEASE];
}

function keyOf(epoch: string, family: string): string {
  return `latchkey:streams:${epoch}:{${family}}`;
}
