import { checkNames, optionError } from '../shared/optionChecks.js';
import type { Resolved } from './clientOptions.js';
import { LatchkeyError } from './errors.js';
import { dataOf } from './readAnswer.js';
import { send } from './send.js';

/**
 * The options of `verify`.
 *
 * @example
 * ```ts
 * import { createClient, type VerifyOptions } from 'latchkey/client';
 *
 * const options: VerifyOptions = { scope: 'read:orders', cost: 1 };
 * await createClient().verify('lks_live_…', options);
 * ```
 */
export interface VerifyOptions {
  /** Scopes that the token must grant, all of them, separated by spaces. */
  readonly scope?: string | undefined;
  /** Requests to take from the limits of the token's key. Default: 0. */
  readonly cost?: number | undefined;
  /** The address of the caller who sent the token, for keys that are bound to addresses. */
  readonly address?: string | undefined;
  /** Aborts the request. The promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The result of `verify`: docs/reference/verification.md describes each field.
 *
 * @example
 * ```ts
 * import { createClient, type TokenVerification } from 'latchkey/client';
 *
 * const { active, reason }: TokenVerification = await createClient().verify('lks_live_…');
 * if (!active) console.warn(reason ?? 'unknown');
 * ```
 */
export interface TokenVerification {
  /** Whether the token is valid and allows what you required. */
  readonly active: boolean;
  /** Why a token of your workspace is not active. Absent if it is unknown, or of another workspace. */
  readonly reason?: string;
  /** The missing scopes, separated by spaces. */
  readonly missing_scope?: string;
  /** In seconds, if the limits of the key have no room for the cost. */
  readonly retry_after?: number;
  readonly key_id?: string;
  readonly workspace?: string;
  readonly project?: string;
  readonly user?: string;
  /** The scopes in effect, separated by spaces. */
  readonly scope?: string;
  /** The tier of the workspace. */
  readonly plan?: string;
  /** When it expires, in seconds since 1970. Absent if never. */
  readonly exp?: number;
  readonly name?: string;
  /** Absent if the limits were not read, because the token is not active for another reason. */
  readonly limits?: VerifiedLimits;
}

/** One window of a limit. */
interface VerifiedWindow {
  readonly limit: number;
  readonly remaining: number;
  /** The length of the window in seconds. */
  readonly window: number;
  /** The seconds until one more unit is free. Absent if nothing is used. */
  readonly reset?: number;
}

interface VerifiedWindows {
  /** In any 60 seconds. */
  readonly rate: VerifiedWindow;
  /** In any one second. */
  readonly burst: VerifiedWindow;
}

interface VerifiedQuota {
  readonly window: 'hour' | 'day' | 'month';
  readonly unit: 'requests' | 'cost';
  readonly subject: 'key' | 'owner' | 'project' | 'workspace';
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** The start of the next period, in seconds since 1970. */
  readonly resets_at: number;
}

/** The limits of a key, with the rest of each. Windows that its tier doesn't have are absent. */
interface VerifiedLimits extends VerifiedWindows {
  readonly owner?: VerifiedWindows;
  readonly project?: VerifiedWindows;
  readonly workspace?: VerifiedWindows;
  /** In cost units. */
  readonly cost?: VerifiedWindows;
  readonly quotas?: readonly VerifiedQuota[];
  readonly credits?: Pick<VerifiedQuota, 'unit' | 'subject' | 'remaining'> & {
    /** The time of the next refill, in seconds since 1970. Absent if there is none. */
    readonly refills_at?: number;
  };
}

/** Verifies a token. Not paced, because verifications have separate windows from the client's key. */
export async function verifyToken(
  options: Resolved,
  token: string,
  { scope, cost = 0, address }: VerifyOptions,
  signal: AbortSignal,
): Promise<TokenVerification> {
  const given = Object.entries({ token, scope, address }).filter(([, value]) => value !== undefined);
  const response = await send(
    { ...options, pacing: false },
    {
      url: besideApi('v1/verify', options.url).href,
      init: {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ ...Object.fromEntries(given), cost }),
      },
      // If a response is missing, the cost may have been taken.
      operation: { type: cost === 0 ? 'query' : 'mutation', cost: 1, kind: 'verify' },
      signal,
      streams: false,
    },
  );
  const text = await response.text();
  const value = objectIn(text);
  if (response.ok && typeof value?.active === 'boolean') return value as unknown as TokenVerification;
  // Throws the error of the response.
  if (!response.ok) await dataOf(new Response(JSON.stringify(asErrors(value)), response));
  throw new LatchkeyError('The response is not a verification result. Check the address: it ends in /graphql.', {
    code: 'UNREADABLE',
    status: response.status,
    requestId: response.headers.get('x-request-id'),
  });
}

/**
 * Returns the address of a path next to `/graphql`. The API at `/admin/graphql` belongs to the same server, which serves
 * `/v1` only once, outside of `/admin`.
 */
export function besideApi(path: string, api: string): URL {
  return new URL(new URL(api).pathname.endsWith('/admin/graphql') ? `../${path}` : path, api);
}

/** @throws TypeError that names the invalid argument */
export function checkVerification(token: unknown, options: unknown): void {
  if (typeof token !== 'string' || token === '') throw new TypeError('verify: token must be a non-empty string.');
  checkNames('verify', options, ['scope', 'cost', 'address', 'signal']);
  const { scope, cost, address } = options as Record<string, unknown>;
  for (const [name, value] of Object.entries({ scope, address })) {
    if (value !== undefined && typeof value !== 'string') throw optionError(`verify: ${name}`, value, 'a string');
  }
  if (cost !== undefined && !(Number.isSafeInteger(cost) && (cost as number) >= 0)) {
    throw optionError('verify: cost', cost, 'an integer of at least 0');
  }
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Returns an error of /v1 in the form of GraphQL. */
function asErrors(value: Record<string, unknown> | null): object {
  const { message, ...extensions } = (value?.error ?? {}) as Record<string, unknown>;
  return typeof message === 'string' ? { errors: [{ message, extensions }] } : {};
}
