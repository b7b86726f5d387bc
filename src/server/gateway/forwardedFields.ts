import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { ALL_LIMIT_FIELDS } from '../../core/limits/limitHeaders.js';

/**
 * The header fields of a caller that reach the upstream. All others are dropped, so that no credential reaches it, and no field that
 * it trusts can come from a caller.
 */
const TO_UPSTREAM = [
  ...(['accept', 'accept-encoding', 'accept-language', 'user-agent'] as const),
  ...(['apollo-require-preflight', 'x-apollo-operation-name', 'graphql-require-preflight'] as const),
  ...(['apollographql-client-name', 'apollographql-client-version'] as const),
];

/** The header fields of the upstream's responses that reach the caller. */
const TO_CALLER = [
  ...(['content-type', 'content-encoding', 'content-language', 'content-length'] as const),
  ...(['retry-after', 'vary', 'www-authenticate', 'allow', 'server-timing'] as const),
];

/**
 * Fields that a setting can't add: credentials, fields of one connection (RFC 9110 section 7.6.1), fields that the gateway writes
 * itself, and fields by which an upstream learns who and where the caller is.
 */
const NEVER_TO_UPSTREAM =
  /^(?:authorization|proxy-.*|cookie2?|x-api-key|api-key|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|content-encoding|content-type|expect|host|latchkey-.*|x-request-id|traceparent|forwarded|x-forwarded-.*|x-real-ip|via|sec-websocket-.*)$/;
const NEVER_TO_CALLER =
  /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*|set-cookie2?|access-control-.*|content-security-policy.*|x-content-type-options|referrer-policy|x-request-id|cache-control|alt-svc|strict-transport-security|clear-site-data|ratelimit.*|latchkey-.*|location|refresh|date)$/;

/**
 * Returns what is wrong with the name of a field that a setting adds; null if it is valid. An underscore is refused, because CGI and WSGI
 * can't tell `Latchkey_Principal` from `Latchkey-Principal`.
 */
export function faultOfField(name: string, direction: 'request' | 'response'): string | null {
  const lower = name.toLowerCase();
  if (!/^[a-z0-9-]{1,100}$/.test(lower)) return 'is not a name of letters, digits and hyphens';
  const never = direction === 'request' ? NEVER_TO_UPSTREAM : NEVER_TO_CALLER;
  return never.test(lower) ? 'is never passed on' : null;
}

/** Selects the header fields that pass in each direction. */
export class PassedFields {
  readonly #toUpstream: readonly string[];
  readonly #toCaller: readonly string[];

  /** @param more names in any case, which {@link faultOfField} accepts */
  constructor(more: { readonly request: readonly string[]; readonly response: readonly string[] }) {
    const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase());
    this.#toUpstream = [...new Set([...TO_UPSTREAM, ...lower(more.request)])];
    const toCaller = new Set([...TO_CALLER, ...lower(more.response)]);
    this.#toCaller = [...toCaller].filter((name) => !ALL_LIMIT_FIELDS.includes(name));
  }

  /** Returns the fields of a request for the upstream: names and values in turn. */
  toUpstream(given: IncomingHttpHeaders): string[] {
    const fields: string[] = [];
    for (const name of this.#toUpstream) {
      const value = given[name];
      if (typeof value === 'string') fields.push(name, value);
    }
    return fields;
  }

  /** Adds the fields of the upstream's response to those of the gateway, which win. */
  toCaller(given: IncomingHttpHeaders, fields: OutgoingHttpHeaders): OutgoingHttpHeaders {
    for (const name of this.#toCaller) {
      const value = given[name];
      if (value === undefined) continue;
      if (name === 'vary' && typeof fields.vary === 'string') fields.vary = `${fields.vary}, ${String(value)}`;
      else fields[name] ??= value;
    }
    return fields;
  }
}
