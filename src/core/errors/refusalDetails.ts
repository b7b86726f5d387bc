/** Why a credential is invalid. `revoked`, `expired` and `user_left` are only returned for the correct secret. */
export type UnauthenticatedReason = 'missing' | 'malformed' | 'unknown' | 'revoked' | 'expired' | 'user_left';

/** A field that the caller has no access to. `requires` lists alternatives: all scopes of one of them are required. */
interface GuardedPlace {
  readonly coordinate: string;
  readonly requires: readonly (readonly string[])[];
}

/** The subject whose keys share a limit. */
type SharedLimit = 'owner' | 'project' | 'workspace';

/**
 * Every reason to refuse a request: a code with its own fields, which are the `extensions` of the error in the
 * response. docs/reference/errors.md lists the status of each.
 *
 * @example
 * ```ts
 * import { Refusal, type RefusalDetails } from 'latchkey';
 *
 * const details: RefusalDetails = { code: 'BAD_USER_INPUT', path: ['input', 'amount'] };
 * export const refusal = new Refusal('The amount must be positive.', details);
 * ```
 */
export type RefusalDetails =
  | { readonly code: 'BAD_REQUEST' }
  /**
   * Here and below: `category` of the operation if the limit belongs to the category, `subject` if all keys of the owner,
   * project or workspace share the limit, and `unit` if it counts cost units.
   */
  | {
      readonly code: 'COST_EXCEEDS_BURST';
      readonly cost: number;
      readonly burst: number;
      readonly category?: string;
      readonly subject?: SharedLimit;
      readonly unit?: 'cost';
    }
  /** The estimated cost of the operation and the limit for one operation, in cost units. */
  | { readonly code: 'COST_EXCEEDED'; readonly cost: number; readonly limit: number }
  /** The operation must give exactly one of the `arguments` of `field`, because they limit its list. */
  | { readonly code: 'LIST_SIZE_REQUIRED'; readonly field: string; readonly arguments: readonly string[] }
  /** The response would have more than `limit` fields or bytes. */
  | { readonly code: 'ANSWER_TOO_LARGE'; readonly limit: number; readonly unit: 'fields' | 'bytes' }
  | { readonly code: 'UNAUTHENTICATED'; readonly reason: UnauthenticatedReason }
  /** The request came over plain HTTP, where others can read it. */
  | { readonly code: 'HTTPS_REQUIRED' }
  /** The address of the caller is not allowed for the key. */
  | { readonly code: 'ADDRESS_NOT_ALLOWED' }
  | { readonly code: 'FORBIDDEN'; readonly missing: readonly string[]; readonly fields: readonly GuardedPlace[] }
  /** `sha256` of the document's text as it was sent, in hexadecimal. */
  | { readonly code: 'DOCUMENT_NOT_TRUSTED'; readonly sha256: string }
  /** `retryAfter` and `window` in whole seconds; `limit` in requests per `window`. */
  | {
      readonly code: 'RATE_LIMITED';
      readonly retryAfter: number;
      readonly limit: number;
      readonly window: number;
      readonly category?: string;
      readonly subject?: SharedLimit;
      readonly unit?: 'cost';
    }
  /**
   * `limit`, `used` and `remaining` in `unit`, for all keys of `subject`, per `window`. For credits, `limit`, `used` and `window` are null.
   * `resetsAt` as an ISO 8601 time; null means never. `retryAfter` in whole seconds; absent if the status is 402.
   */
  | {
      readonly code: 'QUOTA_EXCEEDED';
      readonly limit: number | null;
      readonly used: number | null;
      readonly remaining: number;
      readonly resetsAt: string | null;
      readonly window: string | null;
      readonly unit: string;
      readonly subject: string;
      readonly retryAfter?: number;
    }
  /** `retryAfter` in whole seconds. */
  | { readonly code: 'UNAVAILABLE'; readonly retryAfter: number }
  /** The API behind the gateway sent no valid response. */
  | { readonly code: 'BAD_GATEWAY' }
  /** The API behind the gateway did not respond in time. */
  | { readonly code: 'GATEWAY_TIMEOUT' }
  | { readonly code: 'KEY_LIMIT_REACHED'; readonly max: number; readonly current: number }
  /** `limit` is the number of streams that one key, together with other keys of its rotation, may have open. */
  | { readonly code: 'TOO_MANY_STREAMS'; readonly limit: number }
  /** More than `events`, or `bytes` of all readers together, were waiting. It ends a stream. */
  | { readonly code: 'STREAM_OVERFLOW'; readonly events?: number; readonly bytes?: number }
  | { readonly code: 'NOT_FOUND' }
  /** `path` is the path of the invalid argument, such as `["input", "name"]`; `known` lists the allowed values. */
  | {
      readonly code: 'BAD_USER_INPUT';
      readonly path: readonly (string | number)[];
      readonly known?: readonly string[];
    }
  | { readonly code: 'SCOPE_NOT_HELD'; readonly missing: readonly string[] };

/**
 * The code of a refusal: `extensions.code` of its error in the response.
 *
 * @example
 * ```ts
 * import type { RefusalCode } from 'latchkey';
 *
 * const RETRIED: readonly RefusalCode[] = ['RATE_LIMITED', 'UNAVAILABLE'];
 * export const isRetried = (code: RefusalCode): boolean => RETRIED.includes(code);
 * ```
 */
export type RefusalCode = RefusalDetails['code'];
