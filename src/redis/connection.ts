import { Redis } from 'ioredis';

/** Longest pause between two attempts to connect again, in ms. */
const MAX_PAUSE = 1_000;

/** How long a connection may owe an answer before it is given up and made anew, in ms. */
const SILENCE = 2_000;

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
    socketTimeout: SILENCE,
    retryStrategy: (attempt) => Math.min(2 ** attempt * 25, MAX_PAUSE) + Math.random() * 100,
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
