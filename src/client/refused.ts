import type { GraphQLFormattedError } from 'graphql';
import {
  Forbidden,
  Invalid,
  LatchkeyError,
  LimitReached,
  NotFound,
  RateLimited,
  Unauthenticated,
  Unavailable,
  type GuardedPlace,
  type Told,
} from './errors.js';
import { retryAfterSeconds } from './retryAfter.js';

/** The parts of a response that make an error. */
interface Refused {
  readonly status: number;
  readonly headers: Headers;
  readonly errors: readonly GraphQLFormattedError[];
  readonly data?: unknown;
}

/** The codes for an invalid request, from GraphQL servers and from Latchkey. */
const OF_THE_REQUEST = new Set([
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'COST_EXCEEDED',
  'COST_EXCEEDS_BURST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'LIST_SIZE_REQUIRED',
  'OPERATION_RESOLUTION_FAILURE',
]);

/**
 * Returns the error for a failed response. It depends on the code, which is more precise than the status. Without a
 * code, for example from a proxy, it depends on the status. The response may come from any server, so no detail is used
 * without a check.
 */
export function refused({ status, headers, errors, data = null }: Refused): LatchkeyError {
  const [first] = errors;
  const { code: given, ...details } = first?.extensions ?? {};
  const code = typeof given === 'string' ? given : codeOf(status);
  const message = first?.message ?? `The server responded with HTTP ${status}.`;
  const told: Told = { code, status, requestId: headers.get('x-request-id'), errors, data };
  switch (code) {
    case 'UNAUTHENTICATED':
      return new Unauthenticated(message, { ...told, reason: textOf(details.reason) });
    case 'FORBIDDEN':
    case 'SCOPE_NOT_HELD':
    case 'ADDRESS_NOT_ALLOWED':
    case 'DOCUMENT_NOT_TRUSTED':
    case 'HTTPS_REQUIRED':
      return new Forbidden(message, {
        ...told,
        missing: listOf(details.missing).filter((scope) => typeof scope === 'string'),
        fields: listOf(details.fields) as GuardedPlace[],
      });
    case 'RATE_LIMITED':
      return new RateLimited(message, { ...told, retryAfter: secondsOf(details.retryAfter, headers) ?? 1 });
    case 'TOO_MANY_STREAMS':
      return new LimitReached(message, { ...told, limit: Number(details.limit) });
    case 'KEY_LIMIT_REACHED':
      return new LimitReached(message, { ...told, limit: Number(details.max) });
    case 'NOT_FOUND':
      return new NotFound(message, told);
    case 'UNAVAILABLE':
      return new Unavailable(message, { ...told, retryAfter: secondsOf(details.retryAfter, headers) });
  }
  if (OF_THE_REQUEST.has(code)) {
    const path = listOf(details.path).filter((step) => typeof step === 'string' || typeof step === 'number');
    return new Invalid(message, { ...told, path, known: listOf(details.known).map(String) });
  }
  return new LatchkeyError(message, told);
}

function codeOf(status: number): string {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 429) return 'RATE_LIMITED';
  // 408 and 5xx may come from an overloaded proxy. 500 is an error that a retry would meet again.
  if (status === 408 || status > 500) return 'UNAVAILABLE';
  if (status >= 400 && status < 500) return 'BAD_REQUEST';
  return 'INTERNAL_SERVER_ERROR';
}

function secondsOf(told: unknown, headers: Headers): number | null {
  return typeof told === 'number' && Number.isFinite(told) ? told : retryAfterSeconds(headers);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
