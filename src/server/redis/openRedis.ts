import { isNativeError } from 'node:util/types';
import type { Redis } from 'ioredis';
import type { Feed } from '../../core/util/feed.js';
import type { ChangeFeed } from '../../core/keys/changeFeed.js';
import { connectFaultOf } from '../../core/net/connectFault.js';
import type { Limits } from '../../core/limits/limits.js';
import { EventKinds, type StreamEvent } from '../streams/streamEvent.js';
import type { Places } from '../../core/streams/streamPlaces.js';
import { CHANGES } from './changesChannel.js';
import { connectionTo, placeOf } from './redisConnection.js';
import { eventsChannel } from './eventsChannel.js';
import { RedisFeed } from './redisFeed.js';
import { RedisPlaces } from './redisPlaces.js';
import { RedisSession, type Trouble } from './redisSession.js';
import { SharedLimits, type SharedLimitsOptions } from './sharedLimits.js';
import { within } from './within.js';

/** How long a start waits for Redis, in ms. Includes the time in which processes find each other. */
const START_TIME = 4_000;

/** Whether limits can be counted. */
export interface RedisState {
  /** Are requests counted? Otherwise they are refused. */
  readonly isOpen: boolean;
  /** The problem, without secrets; null if there is none. */
  readonly reason: string | null;
}

/** The features that several processes share through Redis. */
export interface OpenRedis {
  readonly limits: Limits;
  readonly changes: ChangeFeed;
  readonly events: Feed<StreamEvent>;
  readonly places: Places;
  readonly state: RedisState;
  /** Call after `limits.close()`. Idempotent. */
  close(): void;
}

/** The part of a logger that is used. */
export interface Log {
  warn(message: string): void;
  info(message: string): void;
}

export interface OpenRedisOptions extends Pick<SharedLimitsOptions, 'tiers' | 'onRoundTrip'> {
  /** The kinds of events. Default: only the events of keys. */
  readonly kinds?: EventKinds;
  /** Called with true when limits are counted again, and with false when something is wrong with Redis. */
  readonly onShared?: (shared: boolean) => void;
}

/**
 * Joins the processes that share a Redis.
 *
 * @param url the value of REDIS_URL
 * @throws Error of one line, without the secret parts of the URL, if Redis cannot be used in time
 */
export async function openRedis(
  url: string,
  log: Log,
  { tiers, onRoundTrip, onShared, kinds = new EventKinds() }: OpenRedisOptions = {},
): Promise<OpenRedis> {
  const redis = connectionTo(url);
  const subscriber = connectionTo(url);
  let joined = false;
  const session = new RedisSession({
    redis,
    onRoundTrip,
    onTrouble(trouble) {
      if (trouble !== null) log.warn(`${textOf(trouble)} ${CONSEQUENCE[kindOf(trouble)]}`);
      else if (joined) log.info('Redis is available again: limits are counted.');
      joined ||= trouble === null;
      onShared?.(trouble === null);
    },
  });
  const limits = new SharedLimits({ redis, session, ...(tiers !== undefined && { tiers }) });
  const state: RedisState = {
    get isOpen() {
      return session.isOpen;
    },
    get reason() {
      return session.trouble === null ? null : textOf(session.trouble);
    },
  };
  const changes = new RedisFeed({ publisher: redis, subscriber }, CHANGES);
  const events = new RedisFeed({ publisher: redis, subscriber }, eventsChannel(kinds));
  const places = new RedisPlaces(redis, session);
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
    // Without a cause: ioredis adds the failed command to its errors, which may contain the password.
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(startFault(url, error));
  }
  return { limits, changes, events, places, state, close };
}

function kindOf(trouble: Trouble): 'silent' | 'restoring' | 'refuses' {
  return trouble === 'silent' || trouble === 'restoring' ? trouble : 'refuses';
}

function textOf(trouble: Trouble): string {
  if (trouble === 'silent') return 'Redis does not answer.';
  if (trouble === 'restoring') return 'Limits are being restored in Redis, which lost its data or whose clock was set.';
  return `Redis refuses to write (${trouble.slice('refuses '.length)}).`;
}

const CONSEQUENCE = {
  silent: 'Requests are refused with 503 until it does.',
  restoring: 'Requests are refused with 503 until every process has restored the requests that it admitted.',
  refuses: 'Requests that Redis cannot count get 503.',
};

/** Returns an error message that names the setting, the fault and a remedy, without secrets. */
function startFault(url: string, error: unknown): string {
  const { host, port } = placeOf(url);
  const [fault, remedy] = faultOf(url, error);
  return `REDIS_URL names ${host}:${port}, which ${fault}. ${remedy}`;
}

const START = 'Start Redis there, or correct REDIS_URL. Without REDIS_URL, each process counts limits separately.';

function faultOf(url: string, error: unknown): readonly [fault: string, remedy: string] {
  const connecting = connectFaultOf(error);
  if (connecting !== null) return [connecting, START];
  const message = isNativeError(error) ? error.message : String(error);
  const [, code] = /^(WRONGPASS|NOAUTH|ERR (?:Client sent )?(?:invalid password|AUTH))\b/.exec(message) ?? [];
  if (code !== undefined) {
    return [
      `does not accept the user name and password (${code})`,
      'Correct both in REDIS_URL, with special characters escaped.',
    ];
  }
  // ioredis closes a connection whose reply is overdue.
  if (/^no answer within|^Connection is closed|timeout/i.test(message)) return ['does not answer', START];
  if (message.startsWith('NOPERM')) {
    return [
      'does not allow its user to run all required commands (NOPERM)',
      'Give the user of REDIS_URL the permissions that Latchkey needs.',
    ];
  }
  // An error reply of the server. It may repeat what was sent.
  const { password } = new URL(url);
  const isSecret = password !== '' && message.includes(decodeURIComponent(password));
  return [
    `cannot be used${isSecret ? '' : `: ${message.split('\n', 1)[0]?.slice(0, 200).trim().replace(/\.$/, '')}`}`,
    START,
  ];
}

/**
 * Opens a connection. Only the event contains the cause of a failure: the promise rejects with "Connection is closed".
 */
async function connect(redis: Redis): Promise<void> {
  let cause: unknown;
  redis.once('error', (error) => (cause = error));
  await redis.connect().catch((error: unknown) => {
    throw cause ?? error;
  });
}
