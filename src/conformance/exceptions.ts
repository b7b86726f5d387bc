/**
 * Features that a server may lack, with the assertions that are made instead. Pass the names to {@link conformance} as `exceptions`.
 *
 * @example
 * ```ts
 * import { EXCEPTIONS, type ConformanceException } from 'latchkey/conformance';
 *
 * const own: readonly ConformanceException[] = ['NO_STREAMS'];
 * for (const name of own) console.log(EXCEPTIONS[name]);
 * ```
 */
export const EXCEPTIONS = Object.freeze({
  /** Asserted instead: the subscription is refused as a request, and its source is not opened. */
  NO_STREAMS: 'The server has no transport for subscriptions.',
  /** Asserted instead: a GET request with an operation gets 400, 404 or 405, and nothing runs. */
  NO_GET: 'The server accepts operations by POST only.',
  /** Asserted instead: the response is 400 or 500, nothing runs, and the request is not counted. */
  UNCOUNTED_REQUESTS:
    'The server refuses requests without an operation, such as a batch or a body that is not JSON, before Latchkey sees them.',
  /** Asserted instead: the response is 400, and nothing runs. */
  NO_PROTO_KEYS: 'The HTTP framework refuses a JSON body with a key that is named __proto__.',
  /** Asserted instead: both keys are refused, with 400 or 401. */
  JOINED_HEADERS:
    'The server joins header fields that were sent twice, so two credentials look like one malformed key.',
  /** Asserted instead: keys that are bound to addresses are refused, and requests without a key have no limits. */
  NO_ADDRESS: "The server does not know the caller's address.",
  /** Asserted instead: the server starts, and checks operations by the rules in the schema. */
  OWN_GUARD: 'The server guards a copy of the schema itself, so the given one can be unguarded.',
  /** Asserted instead: an operation is refused if one of its values could have a type that the caller may not use. */
  UNSEEN_VALUES: 'The server does not see values before they are sent, because another server runs the operation.',
  /** Asserted instead: the response is sent whole. The limit of its bytes applies. */
  UNCOUNTED_FIELDS: 'The server sends responses of another server, and does not count their fields.',
  /** Asserted instead: each error is sent unchanged, and not reported. */
  FORWARDED_ERRORS: 'Errors of resolvers come from another server, which has formatted and logged them.',
  /** Asserted instead: the response to `__schema` or `__type` next to other fields is 400, and nothing runs. */
  SEPARATE_INTROSPECTION: 'The server returns the schema, and another server returns the other fields.',
});

/**
 * The name of an exception.
 *
 * @example
 * ```ts
 * import { EXCEPTIONS, type ConformanceException } from 'latchkey/conformance';
 *
 * export const names = Object.keys(EXCEPTIONS) as ConformanceException[];
 * ```
 */
export type ConformanceException = keyof typeof EXCEPTIONS;
