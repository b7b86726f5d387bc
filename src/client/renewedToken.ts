import { optionError } from '../shared/optionChecks.js';

/** The part of a token's lifetime after which it is renewed. The rest is for requests that are being sent. */
const RENEWED_AFTER = 0.8;

interface Held {
  readonly token: string;
  /** By the monotonic clock, because the clock of a device may be wrong. */
  readonly renewAt: number;
  readonly endsAt: number;
}

/**
 * Returns an `apiKey` for a client that uses derived tokens, such as in a browser: it gets a token at the first request, and a
 * new one when a fifth of its lifetime remains. Concurrent requests share one call. If a call fails, the previous token is
 * used until it ends.
 *
 * @param get returns a derived token, for example from your server, which derives it with its key
 * @throws TypeError if `get` is not a function; the returned function rejects if `get` returns anything but a JWT with `exp` and `iat`
 * @example
 * ```ts
 * import { createClient, renewedToken } from 'latchkey/client';
 *
 * const get = async (): Promise<string> => (await fetch('/session/token', { method: 'POST' })).text();
 * export const client = createClient({ url: 'https://api.example.com/graphql', apiKey: renewedToken(get) });
 * ```
 */
export function renewedToken(get: () => Promise<string>): () => Promise<string> {
  if (typeof get !== 'function')
    throw optionError('renewedToken: get', get, 'a function that returns a derived token', true);
  let held: Held | null = null;
  let getting: Promise<string> | null = null;
  const renew = async (): Promise<string> => {
    try {
      held = heldOf(await get());
    } catch (error) {
      if (held === null || performance.now() >= held.endsAt) throw error;
    }
    return held.token;
  };
  return async () => {
    if (held !== null && performance.now() < held.renewAt) return held.token;
    getting ??= renew().finally(() => (getting = null));
    return getting;
  };
}

function heldOf(token: unknown): Held {
  const lifetime = typeof token === 'string' ? lifetimeOf(token) : null;
  if (typeof token !== 'string' || lifetime === null) {
    throw new TypeError(
      'renewedToken: get did not return a derived token. Return the token of deriveToken as a string.',
    );
  }
  const now = performance.now();
  return { token, renewAt: now + lifetime * RENEWED_AFTER, endsAt: now + lifetime };
}

/** Returns the lifetime of a JWT in milliseconds; null if it isn't one, or has none. */
function lifetimeOf(token: string): number | null {
  try {
    const payload = token.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '';
    const { exp, iat } = JSON.parse(atob(payload)) as { readonly exp?: unknown; readonly iat?: unknown };
    return typeof exp === 'number' && typeof iat === 'number' && exp > iat ? (exp - iat) * 1_000 : null;
  } catch {
    return null;
  }
}
