import type { RefusalCode, RefusalDetails, UnauthenticatedReason } from './refusal.js';

/** Describes a refusal in Markdown, for docs/reference/errors.md. */
export interface Meaning<Field extends string = string> {
  /** When the refusal occurs. */
  readonly when: string;
  /** The fix for the caller. */
  readonly remedy: string;
  /** The fields in addition to `code`, with a description of each. */
  readonly fields: Readonly<Record<Field, string>>;
  /** The page in docs/ with details, and its heading. */
  readonly page?: string;
}

type FieldsOf<Code extends RefusalCode> = Exclude<keyof Extract<RefusalDetails, { code: Code }> & string, 'code'>;

const RETRY_AFTER = 'whole seconds, also in the header field `Retry-After`';
const CATEGORY =
  "the operation's category, if its limit was reached; `key-creation` for the limit on created and rotated keys, `verification` for the limit on verified tokens";
const SUBJECT = '`owner`, `project` or `workspace`, if its keys share the limit that was reached';
const UNIT = '`cost`, if the limit counts cost units instead of requests';
const MISSING = 'the scopes that the credential is missing';

export const MEANINGS: { readonly [Code in RefusalCode]: Meaning<FieldsOf<Code>> } = {
  BAD_REQUEST: {
    when: 'the request is invalid: two credentials, a malformed header, or an invalid body or method (with status 405, 408, 413 or 415 where it applies)',
    remedy: 'send a single credential in one of the three forms, and correct the request as the message says',
    fields: {},
    page: 'reference/guard.md#credentials',
  },
  COST_EXCEEDS_BURST: {
    when: 'the operation costs more than the tier allows in one second, so waiting does not help',
    remedy: 'split the operation',
    fields: {
      cost: 'the number of requests that the operation counts as',
      burst: 'requests allowed in one second',
      category: CATEGORY,
      subject: SUBJECT,
      unit: UNIT,
    },
    page: 'reference/limits.md',
  },
  COST_EXCEEDED: {
    when: 'the estimate of the operation exceeds the cost that the tier allows for one operation; nothing was run',
    remedy: 'request shorter lists or fewer fields, or split the operation',
    fields: { cost: 'the estimate in cost units', limit: 'the cost units allowed for one operation' },
    page: 'reference/cost.md',
  },
  LIST_SIZE_REQUIRED: {
    when: 'the operation gives none or several of the arguments that limit a list, so its cost is unknown; only in tiers with limits in cost units',
    remedy: 'give exactly one of the arguments',
    fields: {
      field: 'the coordinate of the field, for example `Query.orders`',
      arguments: 'the names of its arguments that limit the list',
    },
    page: 'reference/cost.md#sizes-of-lists',
  },
  ANSWER_TOO_LARGE: {
    when: 'the response would have more fields or bytes than the server allows for one operation; a mutation may already have made changes',
    remedy: 'request fewer entries, fields or aliases, or split the operation',
    fields: { limit: 'the maximum for one response', unit: '`fields` or `bytes`' },
    page: 'reference/limits.md#size-of-a-response',
  },
  UNAUTHENTICATED: {
    when: 'the operation needs a credential and none was sent, or the credential is invalid',
    remedy: 'send a valid key',
    fields: { reason: 'the reason, see below; the last three are returned only to a caller with the correct secret' },
    page: 'reference/guard.md#credentials',
  },
  HTTPS_REQUIRED: {
    when: 'the request was sent over plain HTTP, where others can read it',
    remedy: 'use the https address, and replace the key that was sent',
    fields: {},
    page: 'how-to/operations.md#https-only',
  },
  ADDRESS_NOT_ALLOWED: {
    when: 'the key can be used from certain IP addresses only, and the request came from another one',
    remedy: 'use the key from an allowed address, or add this address to the key',
    fields: {},
    page: 'explanation/keys.md#addresses',
  },
  FORBIDDEN: {
    when: 'the credential is missing scopes, is restricted to a project although the operation concerns the whole workspace, or may not use introspection',
    remedy: 'use a key with the missing scopes',
    fields: {
      missing: MISSING,
      fields:
        'the refused fields and types: `coordinate`, and `requires` with lists of scopes, one of which is sufficient',
    },
    page: 'reference/guard.md#scopes',
  },
  DOCUMENT_NOT_TRUSTED: {
    when: 'the key is bound to trusted documents, and this is not one of them',
    remedy: 'send one of the trusted documents, or add this one to the key',
    fields: { sha256: "the SHA-256 of the document's text as sent, in hexadecimal" },
    page: 'explanation/keys.md#trusted-documents',
  },
  RATE_LIMITED: {
    when: "the key's limit is reached; or too many invalid credentials came from an address or for a key; or too many bodies of the caller have not arrived completely",
    remedy: 'wait `Retry-After` seconds',
    fields: {
      retryAfter: RETRY_AFTER,
      limit: 'requests allowed in `window`',
      window: 'seconds',
      category: CATEGORY,
      subject: SUBJECT,
      unit: UNIT,
    },
    page: 'reference/limits.md',
  },
  TOO_MANY_STREAMS: {
    when: 'the key and the keys of its rotation have as many open streams and WebSocket connections as the tier allows, or one such connection has too many running operations',
    remedy: 'close a stream or complete an operation, or use a higher tier',
    fields: { limit: 'the maximum number of streams, or of operations of a connection' },
    page: 'reference/streams.md#what-is-refused',
  },
  QUOTA_EXCEEDED: {
    when: 'the operation needs more units than a quota or a credit balance has left. The status is 402 instead of 429 if `quota_status` is 402, or if only more credits help',
    remedy: 'wait until `resetsAt`, ask for a higher quota, or add credits',
    fields: {
      limit: 'the quota; null for credits',
      used: 'the part of it that is used in the current period; null for credits',
      remaining: 'the remaining units',
      resetsAt: 'the start of the next period, or the time of the next refill; null means never',
      window: '`hour`, `day` or `month`; null for credits',
      unit: '`requests` or `cost`',
      subject: '`key`, `owner`, `project` or `workspace`, whose keys share the quota',
      retryAfter: `${RETRY_AFTER}; absent with status 402`,
    },
    page: 'reference/limits.md#quotas',
  },
  UNAVAILABLE: {
    when: 'the store, Redis or another needed service is unavailable or overloaded, or the server is stopping; the operation was not run',
    remedy: 'retry after `Retry-After` seconds',
    fields: { retryAfter: RETRY_AFTER },
    page: 'reference/failures.md',
  },
  BAD_GATEWAY: {
    when: 'the API behind the gateway is unreachable, or its response is not valid HTTP, a redirect, or too large',
    remedy: 'retry later; before you repeat a mutation, check whether it was made',
    fields: {},
    page: 'how-to/gateway.md',
  },
  GATEWAY_TIMEOUT: {
    when: 'the API behind the gateway did not respond within `GATEWAY_TIMEOUT`',
    remedy: 'request less; before you repeat a mutation, check whether it took effect',
    fields: {},
    page: 'how-to/gateway.md',
  },
  KEY_LIMIT_REACHED: {
    when: 'the workspace has as many active keys as its tier allows',
    remedy: 'revoke a key, or use a higher tier',
    fields: { max: 'the maximum number of keys', current: 'the number of active keys' },
    page: 'reference/limits.md',
  },
  NOT_FOUND: {
    when: 'the ID is unknown or belongs to another workspace; the response is the same',
    remedy: 'check the ID',
    fields: {},
    page: 'explanation/tenancy.md',
  },
  BAD_USER_INPUT: {
    when: 'an argument is invalid',
    remedy: 'correct the argument at `path`',
    fields: {
      path: 'the path of the argument, for example `["input", "name"]`',
      known: 'the accepted values, if they can be listed',
    },
  },
  SCOPE_NOT_HELD: {
    when: 'the key grants scopes that it does not have, or rotates or updates a key with such scopes',
    remedy: 'use a key that has these scopes',
    fields: { missing: MISSING },
    page: 'explanation/keys.md#types-and-scopes',
  },
  STREAM_OVERFLOW: {
    when: 'a stream is read too slowly and too much data is waiting; this ends the stream and is never the response to a request',
    remedy: 'read faster or select fewer fields, open the stream again, and query the current state',
    fields: {
      events: 'the maximum number of waiting events for one reader, if it was exceeded',
      bytes:
        'the limit of the waiting bytes of all readers together. Given if they exceeded it while this reader had the most',
    },
    page: 'reference/streams.md#when-a-stream-ends',
  },
};

export const REASONS: Readonly<Record<UnauthenticatedReason, string>> = {
  missing: 'no credential was sent',
  malformed:
    'the token is incomplete or mistyped, so its checksum is wrong. If no keys were imported or configured, every text that is not a token is malformed',
  unknown:
    'no key matches: the key belongs to another installation, was never created, or ended and was removed (`KEEP_ENDED_KEYS`); or an imported or configured key is mistyped',
  revoked: 'the key was revoked',
  expired: 'the key or the token has expired',
  user_left: 'the user who owns the key was removed',
};
