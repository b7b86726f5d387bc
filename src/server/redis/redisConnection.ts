import { Redis } from 'ioredis';
import { deadline } from '../../core/util/deadline.js';

/** Longest pause between two attempts to reconnect, in ms. A recovered Redis should be noticed within a second. */
const MAX_PAUSE = 200;

/** Timeout for connecting, and for becoming ready after that, in ms. Then the next attempt starts. */
const SILENCE = 1_000;

/**
 * Returns a connection that is not open yet, and reconnects by itself after it was opened. It does not queue commands:
 * a command that can't be sent fails immediately, and a command whose reply was lost is not sent again, because Redis
 * may have run it.
 *
 * @param url redis: or rediss:, as validated by the settings
 */
export function connectionTo(url: string): Redis {
  const { protocol, username, password, pathname } = new URL(url);
  const redis = new Redis({
    ...placeOf(url),
    // Does not pass the URL on: ioredis lets its query set any option.
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    db: Number(pathname.slice(1)),
    ...(protocol === 'rediss:' && { tls: {} }),
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    connectTimeout: SILENCE,
    // No socketTimeout: it would mistake a delay of this process for a delay of Redis. Each user detects a silent Redis
    // itself.
    retryStrategy: (attempt) => Math.min(2 ** attempt * 25, MAX_PAUSE) + Math.random() * 50,
  });
  redis.on('connect', () => {
    const { stream } = redis;
    // Something may accept the connection and never respond.
    deadline(SILENCE, () => {
      if (redis.stream === stream && redis.status === 'connect') stream.destroy();
    }).unref();
  });
  // Without a listener, ioredis prints errors. Users of the connection report that Redis is unavailable.
  redis.on('error', () => undefined);
  return redis;
}

/** Returns the host and port of a URL, which are not secret. */
export function placeOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) };
}
