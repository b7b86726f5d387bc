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

/** What of an answer an error is made of. */
export interface Refused {
  readonly status: number;
  readonly headers: Headers;
  readonly errors: readonly GraphQLFormattedError[];
  readonly data?: unknown;
}

/** Codes of GraphQL servers for a fault of the request, beside Latchkey's own. */
const OF_THE_REQUEST = new Set([
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'COST_EXCEEDS_BURST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
]);

/**
 * The error that an answer is. Its code decides, which says more than its status; where there is none, as from a proxy on
 * the way, the status does. What an answer holds is not trusted to be of the form that it should be.
 */
export function refused({ status, headers, errors, data = null }: Refused): LatchkeyError {
  const [first] = errors;
  const { code: given, ...details } = first?.extensions ?? {};
  const code = typeof given === 'string' ? given : codeOf(status);
  const message = first?.message ?? `The server answered ${status}.`;
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
  // 408 as well: what waits in a proxy, and 5xx but 500, which is a fault that another try will meet again.
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
