import type { Refusal, RefusalCode, RefusalDetails } from './refusal.js';
import type { Refused } from './refusalValue.js';

/**
 * Maps refusals to HTTP: the status of each code, the challenge (RFC 6750 section 3) and Retry-After. No other module does.
 *
 * The codes of the second group occur in operations that ran, so the GraphQL response has status 200.
 */
const STATUS: Readonly<Record<RefusalCode, number>> = {
  BAD_REQUEST: 400,
  COST_EXCEEDS_BURST: 400,
  COST_EXCEEDED: 400,
  LIST_SIZE_REQUIRED: 400,
  ANSWER_TOO_LARGE: 400,
  UNAUTHENTICATED: 401,
  HTTPS_REQUIRED: 403,
  ADDRESS_NOT_ALLOWED: 403,
  FORBIDDEN: 403,
  DOCUMENT_NOT_TRUSTED: 403,
  RATE_LIMITED: 429,
  QUOTA_EXCEEDED: 429,
  TOO_MANY_STREAMS: 429,
  BAD_GATEWAY: 502,
  UNAVAILABLE: 503,
  GATEWAY_TIMEOUT: 504,

  KEY_LIMIT_REACHED: 200,
  NOT_FOUND: 200,
  BAD_USER_INPUT: 200,
  SCOPE_NOT_HELD: 200,
  STREAM_OVERFLOW: 200,
};

/** The status of a quota for which waiting is not the remedy. */
const PAYMENT_REQUIRED = 402;

/** Returns the status for an operation that is refused before it runs. */
export function statusOf(code: RefusalCode, details?: RefusalDetails): number {
  if (details?.code === 'QUOTA_EXCEEDED' && details.retryAfter === undefined) return PAYMENT_REQUIRED;
  // A caller in JavaScript may pass any value. Without a status, Apollo Server would respond with 200.
  return (STATUS as Partial<typeof STATUS>)[code] ?? 500;
}

/** The realm in every challenge. */
const REALM = 'latchkey';

interface HttpAnswer {
  readonly status: number;
  /** Field names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * Returns the status and header fields of a refusal.
 *
 * @param resourceMetadata the URL of the resource's metadata (RFC 9728 section 5.1), for the challenge; null if none
 */
export function httpAnswer(refusal: Refusal | Refused, resourceMetadata: string | null = null): HttpAnswer {
  const headers = new Map<string, string>();
  const challenge = challengeOf(refusal.details, refusal.message);
  if (challenge !== null) headers.set('www-authenticate', pointing(challenge, resourceMetadata));
  if ('retryAfter' in refusal.details) headers.set('retry-after', String(refusal.details.retryAfter));
  return { status: statusOf(refusal.details.code, refusal.details), headers };
}

/** Returns the status of a refused request that runs no operation. It is never 200, which a client would treat as success. */
export function statusBeforeData({ details }: Refusal | Refused): number {
  const { code } = details;
  const status = statusOf(code, details);
  if (status !== 200) return status;
  return code === 'NOT_FOUND' ? 404 : 400;
}

/**
 * Returns the status of a refusal for a proxy that has to know if a request may pass. Most proxies pass 401 and 403 on to their callers,
 * and nginx turns all other statuses into a server error, so an unreadable credential is 401 here, too.
 */
export function statusForProxy(refusal: Refusal): number {
  return refusal.details.code === 'BAD_REQUEST' ? 401 : statusBeforeData(refusal);
}

/** Adds `extensions.http`, which Apollo Server applies to the response and removes from the error. */
export function withHttp(refusal: Refusal, resourceMetadata: string | null = null): Refusal {
  Object.assign(refusal.extensions, { http: httpAnswer(refusal, resourceMetadata) });
  return refusal;
}

function challengeOf(details: RefusalDetails, description: string): string | null {
  switch (details.code) {
    case 'UNAUTHENTICATED':
      // RFC 6750 section 3.1: a request without any credential gets no error code.
      return details.reason === 'missing' ? challenge({}) : challenge({ error: 'invalid_token', description });
    case 'FORBIDDEN':
      return challenge({ error: 'insufficient_scope', description, scope: details.missing.join(' ') });
    case 'BAD_REQUEST':
      return challenge({ error: 'invalid_request', description });
    // A challenge would make the client send the key again over the same connection. RFC 6750 has no error for the next
    // two, because no other scope would help.
    case 'HTTPS_REQUIRED':
    case 'ADDRESS_NOT_ALLOWED':
    case 'DOCUMENT_NOT_TRUSTED':
    case 'COST_EXCEEDS_BURST':
    case 'COST_EXCEEDED':
    case 'LIST_SIZE_REQUIRED':
    case 'ANSWER_TOO_LARGE':
    case 'RATE_LIMITED':
    case 'QUOTA_EXCEEDED':
    case 'TOO_MANY_STREAMS':
    case 'STREAM_OVERFLOW':
    case 'UNAVAILABLE':
    case 'BAD_GATEWAY':
    case 'GATEWAY_TIMEOUT':
    case 'KEY_LIMIT_REACHED':
    case 'NOT_FOUND':
    case 'BAD_USER_INPUT':
    case 'SCOPE_NOT_HELD':
      return null;
    // An unknown code gets no challenge and the status of a server error.
    default:
      return null;
  }
}

function challenge(fields: { error?: string; description?: string; scope?: string }): string {
  const parts = [`Bearer realm="${REALM}"`];
  if (fields.error !== undefined) parts.push(`error="${fields.error}"`);
  if (fields.description !== undefined) parts.push(`error_description="${quotable(fields.description)}"`);
  if (fields.scope !== undefined && fields.scope !== '') parts.push(`scope="${fields.scope}"`);
  return parts.join(', ');
}

function pointing(challenge: string, resourceMetadata: string | null): string {
  return resourceMetadata === null ? challenge : `${challenge}, resource_metadata="${resourceMetadata}"`;
}

/** RFC 6750 section 3 allows %x20-21 / %x23-5B / %x5D-7E in error_description: no quotes, no backslashes, only ASCII. */
function quotable(text: string): string {
  return text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '');
}
