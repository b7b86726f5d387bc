import type { RefusalCode, RefusalDetails, UnauthenticatedReason } from './refusal.js';

/** What a refusal means to who gets it, in a few words of Markdown: docs/reference/errors.md is made of these. */
export interface Meaning<Field extends string = string> {
  /** When it is answered. */
  readonly when: string;
  /** What the caller can do. */
  readonly remedy: string;
  /** The fields beside `code`; of each what it holds. */
  readonly fields: Readonly<Record<Field, string>>;
  /** The page that says more, and the heading in it; in docs/. */
  readonly page?: string;
}

type FieldsOf<Code extends RefusalCode> = Exclude<keyof Extract<RefusalDetails, { code: Code }> & string, 'code'>;

const RETRY_AFTER = 'whole seconds, also in the field `Retry-After`';
const CATEGORY =
  "the operation's category, where it is that category's limit; `key-creation` for the limit of created and rotated keys";
const MISSING = 'scopes that the credential lacks';

export const MEANINGS: { readonly [Code in RefusalCode]: Meaning<FieldsOf<Code>> } = {
  BAD_REQUEST: {
    when: "the request itself is not understood: two credentials, a malformed header, a body or a method that is none of GraphQL's (then also with 405, 408, 413 or 415)",
    remedy: 'send one credential in one of the three forms, and the body that the message asks for',
    fields: {},
    page: 'guard.md#who-is-asking',
  },
  COST_EXCEEDS_BURST: {
    when: 'the operation costs more than the tier allows in one second, so that no wait would let it pass',
    remedy: 'split the operation',
    fields: { cost: 'requests that it counts for', burst: 'requests allowed in one second', category: CATEGORY },
    page: 'limits.md',
  },
  ANSWER_TOO_LARGE: {
    when: 'the response would have more fields or bytes than the server allows for one operation; changes of a mutation may have been made by then',
    remedy: 'request fewer entries, fields or aliases, or split the operation',
    fields: { limit: 'the most that one response may have', unit: '`fields` or `bytes`' },
    page: 'limits.md#size-of-a-response',
  },
  UNAUTHENTICATED: {
    when: 'there is no credential where one is needed, or it is not accepted',
    remedy: 'send a valid key',
    fields: { reason: 'why, as below; the last three are told only to who holds the right secret' },
    page: 'guard.md#who-is-asking',
  },
  HTTPS_REQUIRED: {
    when: 'the request came over plain HTTP, where others can read it',
    remedy: 'use the https address, and replace a key that was sent',
    fields: {},
    page: 'operations.md#https-only',
  },
  ADDRESS_NOT_ALLOWED: {
    when: "the key is let in from certain addresses, and the caller's is none of them",
    remedy: 'use the key from an address that it allows, or have this one added',
    fields: {},
    page: 'keys.md#addresses',
  },
  FORBIDDEN: {
    when: 'the credential lacks scopes that the operation needs, is bound to a project where the operation concerns the whole workspace, or reads the schema where the server does not show it',
    remedy: 'use a key with the missing scopes',
    fields: {
      missing: MISSING,
      fields: 'guarded places that it may not reach: `coordinate`, and `requires`, of which any list will do',
    },
    page: 'guard.md#scopes',
  },
  DOCUMENT_NOT_TRUSTED: {
    when: 'the key is bound to documents, and this is none of them',
    remedy: 'use a document that the key is bound to, or have this one added',
    fields: { sha256: "the digest of the document's text as it was sent, in hexadecimal" },
    page: 'keys.md#trusted-documents',
  },
  RATE_LIMITED: {
    when: "the key's windows have no room; or too many wrong credentials came from an address or for a key; or too many of the caller's requests are still sending their bodies",
    remedy: 'wait `Retry-After` seconds',
    fields: {
      retryAfter: RETRY_AFTER,
      limit: 'requests allowed in `window`',
      window: 'seconds',
      category: CATEGORY,
    },
    page: 'limits.md',
  },
  TOO_MANY_STREAMS: {
    when: 'the key, with those of its rotation, has as many streams open as its tier allows',
    remedy: 'close a stream, or ask for a higher tier',
    fields: { limit: 'streams allowed' },
    page: 'streams.md#what-is-refused',
  },
  UNAVAILABLE: {
    when: 'what the answer needs is away or overloaded, or the server is stopping; nothing was let through',
    remedy: 'send it again after `Retry-After` seconds',
    fields: { retryAfter: RETRY_AFTER },
    page: 'operations.md#what-each-failure-looks-like',
  },
  KEY_LIMIT_REACHED: {
    when: 'the workspace has as many living keys as its tier allows',
    remedy: 'revoke a key, or ask for a higher tier',
    fields: { max: 'keys allowed', current: 'keys alive' },
    page: 'limits.md',
  },
  NOT_FOUND: {
    when: "the id is unknown, or another workspace's: the answer is the same",
    remedy: 'check the id',
    fields: {},
    page: 'tenancy.md',
  },
  BAD_USER_INPUT: {
    when: 'an argument is not allowed',
    remedy: 'mend the argument that `path` leads to',
    fields: {
      path: 'from the arguments down, as in `["input", "name"]`',
      known: 'what would have been understood, where that can be listed',
    },
  },
  SCOPE_NOT_HELD: {
    when: 'a key grants, rotates or updates scopes that it does not hold itself',
    remedy: 'use a key that holds what it grants',
    fields: { missing: MISSING },
    page: 'keys.md#types-and-scopes',
  },
  STREAM_OVERFLOW: {
    when: 'more waited for the reader of a stream than the server keeps; it ends the stream and is never the answer to a request',
    remedy: 'read faster or select less, open the stream again, and query the current state',
    fields: {
      events: 'events that may wait for one reader, where there were more',
      bytes:
        'bytes that may wait for all readers of the server, where there were more and the most waited for this one',
    },
    page: 'streams.md#when-a-stream-ends',
  },
};

export const REASONS: Readonly<Record<UnauthenticatedReason, string>> = {
  missing: 'no credential was sent',
  malformed:
    'it is not a whole token of this installation: it was cut short or mistyped, so that its checksum is wrong. If no keys were imported or configured, everything that is not a token is malformed too',
  unknown:
    'no key matches: the key is from another installation, was never created, or is mistyped in an imported or configured key',
  revoked: 'the key was revoked',
  expired: 'the key or the token has expired',
  user_left: 'the user to whom the key belongs was removed',
};
