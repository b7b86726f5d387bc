import { GraphQLError } from 'graphql';
import { checkDetails } from './checkDetails.js';

/** Why a credential was not accepted. `revoked`, `expired` and `user_left` are told only to who holds the right secret. */
export type UnauthenticatedReason = 'missing' | 'malformed' | 'unknown' | 'revoked' | 'expired' | 'user_left';

/** A guarded place that the caller may not reach, with the scopes that open it: any of (all of). */
export interface GuardedPlace {
  readonly coordinate: string;
  readonly requires: readonly (readonly string[])[];
}

/**
 * Everything that a caller can be refused for: one code each, with its own fields. They appear in `extensions` of the
 * answer's error as they stand here. The status and the headers of each are in ./http.ts and nowhere else.
 */
export type RefusalDetails =
  | { readonly code: 'BAD_REQUEST' }
  /** `category` of the operation, here and below: there where it is the category's limit that binds. */
  | { readonly code: 'COST_EXCEEDS_BURST'; readonly cost: number; readonly burst: number; readonly category?: string }
  /** The answer would have more than `limit` fields, or bytes. */
  | { readonly code: 'ANSWER_TOO_LARGE'; readonly limit: number; readonly unit: 'fields' | 'bytes' }
  | { readonly code: 'UNAUTHENTICATED'; readonly reason: UnauthenticatedReason }
  /** It came over plain HTTP, where others can read it. */
  | { readonly code: 'HTTPS_REQUIRED' }
  /** The key is let in from other addresses than the caller's. */
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
    }
  /** `retryAfter` in whole seconds. */
  | { readonly code: 'UNAVAILABLE'; readonly retryAfter: number }
  | { readonly code: 'KEY_LIMIT_REACHED'; readonly max: number; readonly current: number }
  /** `limit` is how many streams the tier lets one key, with those of its rotation, have open at once. */
  | { readonly code: 'TOO_MANY_STREAMS'; readonly limit: number }
  /** More than `events`, or `bytes` for all readers together, waited. It ends a stream, and is no answer to a request. */
  | { readonly code: 'STREAM_OVERFLOW'; readonly events?: number; readonly bytes?: number }
  | { readonly code: 'NOT_FOUND' }
  /** `path` leads to the argument at fault, as in `["input", "name"]`; `known` lists what would have been understood. */
  | {
      readonly code: 'BAD_USER_INPUT';
      readonly path: readonly (string | number)[];
      readonly known?: readonly string[];
    }
  | { readonly code: 'SCOPE_NOT_HELD'; readonly missing: readonly string[] };

export type RefusalCode = RefusalDetails['code'];

/**
 * A refusal: a structured value that becomes text at the edge. It is a GraphQLError so that any GraphQL server shows its
 * code and fields, whether it is thrown from a resolver, a plugin or the context builder. `message` names the fault and
 * the remedy, and never repeats what the caller sent.
 */
export class Refusal extends GraphQLError {
  readonly details: RefusalDetails;

  /** @throws TypeError for details that are not those of a code */
  constructor(message: string, details: RefusalDetails, options?: { cause?: unknown }) {
    checkDetails(message, details);
    // A refusal is an answer, not a fault: a stack would tell a caller about the server and nothing about the refusal. Nor
    // is one gathered, which is a quarter of what a wrong key costs, and wrong keys come in floods.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, { extensions: { ...details } });
    Error.stackTraceLimit = stackTraceLimit;
    Object.defineProperty(this, 'stack', { value: undefined });
    this.details = details;
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

/** Bad input: `path` leads to the argument at fault. */
export function badInput(
  path: readonly (string | number)[],
  message: string,
  more: { known?: readonly string[] } = {},
): Refusal {
  return new Refusal(message, { code: 'BAD_USER_INPUT', path, ...more });
}

/** The same words for what never was and for what belongs to somebody else: the answer must not tell them apart. */
export function notFound(what: string): Refusal {
  return new Refusal(`There is no such ${what}${what === 'workspace' ? '' : ' in this workspace'}. Check the id.`, {
    code: 'NOT_FOUND',
  });
}

/** What Latchkey itself needs is away or overloaded. Fails closed. @param retryAfter whole seconds */
export function unavailable(message: string, retryAfter: number, cause?: unknown): Refusal {
  return new Refusal(message, { code: 'UNAVAILABLE', retryAfter }, { cause });
}
