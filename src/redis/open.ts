import { isNativeError } from 'node:util/types';
import type { Redis } from 'ioredis';
import type { Feed } from '../feed.js';
import type { ChangeFeed } from '../keys/changes.js';
import type { Limits } from '../limits/limits.js';
import type { StreamEvent } from '../streams/events.js';
import type { Places } from '../streams/places.js';
import { CHANGES } from './changes.js';
import { connectionTo, placeOf } from './connection.js';
import { EVENTS } from './events.js';
import { RedisFeed } from './feed.js';
import { RedisPlaces } from './places.js';
import { SharedLimits, type SharedLimitsOptions } from './sharedLimits.js';
import { within } from './within.js';

/** How long a start waits for Redis, in ms. */
const START_TIME = 2_000;

/** What several processes have in common in Redis. */
export interface OpenRedis {
  readonly limits: Limits;
  readonly changes: ChangeFeed;
  readonly events: Feed<StreamEvent>;
  readonly places: Places;
  readonly state: {
    /** Does this process count limits alone, since Redis does not answer? */
    readonly alone: boolean;
  };
  /** To be called after `limits.close()`. Idempotent. */
  close(): void;
}

/** As much of a logger as is used. */
export interface Log {
  warn(message: string): void;
  info(message: string): void;
}

/**
 * Joins the processes on a Redis.
 *
 * @param url as in REDIS_URL
 * @throws Error in one line, without what is secret in the URL, where Redis cannot be used within two seconds
 */
export async function openRedis(
  url: string,
  log: Log,
  { tiers, onRoundTrip, onAlone }: Pick<SharedLimitsOptions, 'tiers' | 'onRoundTrip' | 'onAlone'> = {},
): Promise<OpenRedis> {
  const redis = connectionTo(url);
  const subscriber = connectionTo(url);
  let joined = false;
  const limits = new SharedLimits({
    redis,
    ...(tiers !== undefined && { tiers }),
    ...(onRoundTrip !== undefined && { onRoundTrip }),
    onAlone(alone) {
      if (alone) log.warn('Redis does not answer: this process counts limits alone, by its share of them.');
      else if (joined) log.info('Redis answers again: limits are counted together.');
      joined = true;
      onAlone?.(alone);
    },
  });
  const changes = new RedisFeed({ publisher: redis, subscriber }, CHANGES);
  const events = new RedisFeed({ publisher: redis, subscriber }, EVENTS);
  const places = new RedisPlaces(redis);
  const close = (): void => {
    places.close();
    changes.close();
    events.close();
    redis.disconnect();
    subscriber.disconnect();
  };
  const start = async (): Promise<void> => {
    await Promise.all([connect(redis), connect(subscriber)]);
    await changes.listen();
    await events.listen();
    await limits.join();
  };
  try {
    await within(START_TIME, start());
  } catch (error) {
    await limits.close();
    close();
    const { host, port } = placeOf(url);
    const reason = isNativeError(error) ? error.message : String(error);
    // Without a cause: ioredis writes the failed command into its errors, and that may hold the password.
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(
      `Redis at ${host}:${port} cannot be used: ${reason}. Start it or correct REDIS_URL; without REDIS_URL this process counts limits alone.`,
    );
  }
  return { limits, changes, events, places, state: limits, close };
}

/** What went wrong is only in the event: the promise says that the connection is closed. */
async function connect(redis: Redis): Promise<void> {
  let cause: unknown;
  redis.once('error', (error) => (cause = error));
  await redis.connect().catch((error: unknown) => {
    throw cause ?? error;
  });
}
