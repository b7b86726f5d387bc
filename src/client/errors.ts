import type { GraphQLFormattedError } from 'graphql';

/** What is known of an answer that was none. */
export interface Told {
  /** `extensions.code` of the answer's first error, or a word of the client's own where there was no such answer. */
  readonly code: string;
  /** HTTP status; 0: no answer came. */
  readonly status?: number;
  /** X-Request-Id of the answer, for the server's operator; null: it had none. */
  readonly requestId?: string | null;
  /** As answered. */
  readonly errors?: readonly GraphQLFormattedError[];
  /** What was answered beside the errors; null: nothing. */
  readonly data?: unknown;
  readonly cause?: unknown;
}

/**
 * Whatever the client rejects with, but for the reason of a caller's own abort. The classes below tell what to do about
 * it; one that is none of them is a fault of the server's. No key stands in any.
 */
export class LatchkeyError extends Error {
  override readonly name: string = 'LatchkeyError';
  readonly code: string;
  /** HTTP status; 0: no answer came. */
  readonly status: number;
  /** X-Request-Id of the answer, for the server's operator; null: it had none. */
  readonly requestId: string | null;
  readonly errors: readonly GraphQLFormattedError[];
  /** What was answered beside the errors; null: nothing. */
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

/** 401: the key is not accepted. */
export class Unauthenticated extends LatchkeyError {
  override readonly name = 'Unauthenticated';
  /** missing, malformed, unknown, revoked, expired or user_left; null: the answer does not say. */
  readonly reason: string | null;

  constructor(message: string, told: Told & { readonly reason: string | null }) {
    super(message, told);
    this.reason = told.reason;
  }
}

/** A guarded place that the key may not reach, with the scopes that open it: any of (all of). */
export interface GuardedPlace {
  readonly coordinate: string;
  readonly requires: readonly (readonly string[])[];
}

/** 403: the key is known, and may not do this. `code` tells scopes from addresses, documents and plain HTTP. */
export class Forbidden extends LatchkeyError {
  override readonly name = 'Forbidden';
  /** Scopes that a key would need besides. Empty: no scope would help. */
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

/** 429, again and again. The operation has not run. */
export class RateLimited extends LatchkeyError {
  override readonly name = 'RateLimited';
  /** Whole seconds. */
  readonly retryAfter: number;

  constructor(message: string, told: Told & { readonly retryAfter: number }) {
    super(message, told);
    this.retryAfter = told.retryAfter;
  }
}

/** There are as many of something as the tier allows, open streams or keys: no wait makes room. */
export class LimitReached extends LatchkeyError {
  override readonly name = 'LimitReached';
  readonly limit: number;

  constructor(message: string, told: Told & { readonly limit: number }) {
    super(message, told);
    this.limit = told.limit;
  }
}

/** The document, its variables or an argument are at fault. */
export class Invalid extends LatchkeyError {
  override readonly name = 'Invalid';
  /** Leads to the argument at fault, as in `["input", "name"]`; empty: the answer does not say. */
  readonly path: readonly (string | number)[];
  /** What would have been understood, where that is a list. */
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

/** What was asked for is not there, or another workspace's. */
export class NotFound extends LatchkeyError {
  override readonly name = 'NotFound';
}

/** No answer, or none in time, or one that says that there will be another later. A mutation may have run. */
export class Unavailable extends LatchkeyError {
  override readonly name = 'Unavailable';
  /** Whole seconds; null: the server does not say. */
  readonly retryAfter: number | null;

  constructor(message: string, told: Told & { readonly retryAfter?: number | null }) {
    super(message, told);
    this.retryAfter = told.retryAfter ?? null;
  }
}

/** Whether the same request may succeed later. A proxy that refuses to forward it will refuse again. */
export function isTemporary(error: unknown): error is Unavailable {
  return error instanceof Unavailable && error.code !== 'PROXY_REFUSED';
}
