import { Redis } from 'ioredis';
import { deadline } from '../deadline.js';

/** Longest pause between two attempts to connect again, in ms: a return is to be noticed within a second. */
const MAX_PAUSE = 200;

/** How long a connection may take to be made, and how long to be ready after that, in ms. Then the next is made. */
const SILENCE = 1_000;

/**
 * A connection that is not open yet, and comes back by itself once it was. Nothing waits in it: a command that cannot be
 * sent now fails now, and one whose answer was lost is not sent again, for it may have been carried out.
 *
 * @param url redis: or rediss:, as the settings allow it
 */
export function connectionTo(url: string): Redis {
  const { protocol, username, password, pathname } = new URL(url);
  const redis = new Redis({
    ...placeOf(url),
    // Not the URL itself: ioredis lets its query set any option.
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
    // No socketTimeout: it would take this process' own delay for Redis'. Each user watches for silence by itself.
    retryStrategy: (attempt) => Math.min(2 ** attempt * 25, MAX_PAUSE) + Math.random() * 50,
  });
  redis.on('connect', () => {
    const { stream } = redis;
    // Somebody may listen and not answer.
    deadline(SILENCE, () => {
      if (redis.stream === stream && redis.status === 'connect') stream.destroy();
    }).unref();
  });
  // Without a listener ioredis prints them. That Redis is away is told by whoever asks it.
  redis.on('error', () => undefined);
  return redis;
}

/** Where a URL points to: what may be told of it. */
export function placeOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) };
}
