import type { GraphQLFormattedError } from 'graphql';

/** The properties of an error. */
export interface Told {
  /** `extensions.code` of the first error in the response, or a code of the client if there is none. */
  readonly code: string;
  /** The HTTP status; 0 if there was no response. */
  readonly status?: number;
  /** The X-Request-Id of the response, to give to the operator of the server; null if there is none. */
  readonly requestId?: string | null;
  /** The errors of the response. */
  readonly errors?: readonly GraphQLFormattedError[];
  /** The data of the response, if it has data in addition to the errors. */
  readonly data?: unknown;
  readonly cause?: unknown;
}

/**
 * The base class of all errors of the client. An error that has none of the subclasses below is a server error. The
 * reason of an aborted signal is passed on as it is. No error contains the key.
 *
 * @example
 * ```ts
 * import { createClient, LatchkeyError } from 'latchkey/client';
 *
 * try {
 *   await createClient().request('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof LatchkeyError) console.error(error.code, error.requestId);
 * }
 * ```
 */
export class LatchkeyError extends Error {
  override readonly name: string = 'LatchkeyError';
  readonly code: string;
  /** The HTTP status; 0 if there was no response. */
  readonly status: number;
  /** The X-Request-Id of the response, to give to the operator of the server; null if there is none. */
  readonly requestId: string | null;
  readonly errors: readonly GraphQLFormattedError[];
  /** The data of the response, if it has data in addition to the errors; otherwise null. */
  readonly data: unknown;

  constructor(message: string, { code, status = 0, requestId = null, errors = [], data = null, cause }: Told) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.errors = errors;
    this.data = data;
  }
}

/**
 * 401: the key is invalid.
 *
 * @example
 * ```ts
 * import { createClient, Unauthenticated } from 'latchkey/client';
 *
 * try {
 *   await createClient().request('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof Unauthenticated) console.error(`The key is ${error.reason ?? 'invalid'}.`);
 * }
 * ```
 */
export class Unauthenticated extends LatchkeyError {
  override readonly name = 'Unauthenticated';
  /** One of missing, malformed, unknown, revoked, expired and user_left; null if the server does not say. */
  readonly reason: string | null;

  constructor(message: string, told: Told & { readonly reason: string | null }) {
    super(message, told);
    this.reason = told.reason;
  }
}

/**
 * A field or argument that the key has no access to. `requires` lists alternatives: the key needs all scopes of one of
 * them.
 *
 * @example
 * ```ts
 * import type { Forbidden, GuardedPlace } from 'latchkey/client';
 *
 * export const placesOf = ({ fields }: Forbidden): string[] => fields.map(({ coordinate }: GuardedPlace) => coordinate);
 * ```
 */
export interface GuardedPlace {
  readonly coordinate: string;
  readonly requires: readonly (readonly string[])[];
}

/**
 * 403: the key is valid but not allowed to do this. `code` says why: a missing scope, an address, an untrusted document
 * or plain HTTP.
 *
 * @example
 * ```ts
 * import { createClient, Forbidden } from 'latchkey/client';
 *
 * try {
 *   await createClient().request('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof Forbidden) console.error(`Missing scopes: ${error.missing.join(', ')}`);
 * }
 * ```
 */
export class Forbidden extends LatchkeyError {
  override readonly name = 'Forbidden';
  /** The missing scopes. Empty if no scope would help. */
  readonly missing: readonly string[];
  readonly fields: readonly GuardedPlace[];

  constructor(
    message: string,
    told: Told & { readonly missing: readonly string[]; readonly fields: readonly GuardedPlace[] },
  ) {
    super(message, told);
    this.missing = told.missing;
    this.fields = told.fields;
  }
}

/**
 * 429: the rate limit was exceeded and all retries failed. The operation did not run.
 *
 * @example
 * ```ts
 * import { createClient, RateLimited } from 'latchkey/client';
 *
 * try {
 *   await createClient().request('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof RateLimited) console.error(`Try again in ${error.retryAfter} s.`);
 * }
 * ```
 */
export class RateLimited extends LatchkeyError {
  override readonly name = 'RateLimited';
  /** In whole seconds. */
  readonly retryAfter: number;

  constructor(message: string, told: Told & { readonly retryAfter: number }) {
    super(message, told);
    this.retryAfter = told.retryAfter;
  }
}

/**
 * A limit of the tier is reached, such as the number of open streams or of keys. Retrying later does not help.
 *
 * @example
 * ```ts
 * import { createClient, LimitReached } from 'latchkey/client';
 *
 * try {
 *   await createClient().request('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof LimitReached) console.error(`The limit is ${error.limit}.`);
 * }
 * ```
 */
export class LimitReached extends LatchkeyError {
  override readonly name = 'LimitReached';
  readonly limit: number;

  constructor(message: string, told: Told & { readonly limit: number }) {
    super(message, told);
    this.limit = told.limit;
  }
}

/**
 * The document, its variables or an argument is invalid.
 *
 * @example
 * ```ts
 * import { createClient, Invalid } from 'latchkey/client';
 *
 * try {
 *   await createClient().request('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof Invalid) console.error(`${error.path.join('.')}: ${error.message}`);
 * }
 * ```
 */
export class Invalid extends LatchkeyError {
  override readonly name = 'Invalid';
  /** The path of the invalid argument, such as `["input", "name"]`; empty if the server does not say. */
  readonly path: readonly (string | number)[];
  /** The allowed values, if there is a list of them. */
  readonly known: readonly string[];

  constructor(
    message: string,
    told: Told & { readonly path?: readonly (string | number)[]; readonly known?: readonly string[] },
  ) {
    super(message, told);
    this.path = told.path ?? [];
    this.known = told.known ?? [];
  }
}

/**
 * 404: the object does not exist, or belongs to another workspace.
 *
 * @example
 * ```ts
 * import { createClient, NotFound } from 'latchkey/client';
 *
 * try {
 *   await createClient().request('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof NotFound) console.error(error.message);
 * }
 * ```
 */
export class NotFound extends LatchkeyError {
  override readonly name = 'NotFound';
}

/**
 * There was no response, it took too long, or the server is temporarily unavailable. A mutation may have run.
 *
 * @example
 * ```ts
 * import { createClient, Unavailable } from 'latchkey/client';
 *
 * try {
 *   await createClient().request('{ viewer { scopes } }');
 * } catch (error) {
 *   if (error instanceof Unavailable) console.error(`Try again in ${error.retryAfter ?? 1} s.`);
 * }
 * ```
 */
export class Unavailable extends LatchkeyError {
  override readonly name = 'Unavailable';
  /** In whole seconds; null if the server does not say. */
  readonly retryAfter: number | null;

  constructor(message: string, told: Told & { readonly retryAfter?: number | null }) {
    super(message, told);
    this.retryAfter = told.retryAfter ?? null;
  }
}

/** Returns whether a retry may succeed. A proxy that rejects the destination will do so again. */
export function isTemporary(error: unknown): error is Unavailable {
  return error instanceof Unavailable && error.code !== 'PROXY_REFUSED';
}
