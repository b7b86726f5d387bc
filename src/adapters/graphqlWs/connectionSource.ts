import { Refusal } from '../../core/errors/refusal.js';
import { readableSource, type ForeignSource } from '../../core/auth/headerFields.js';
import type { CredentialSource } from '../../core/auth/locate.js';
import { nextToken } from '../../shared/text/wholeToken.js';

/** The request that opened a connection, of Node or of Fastify. */
export type OpeningRequest = ForeignSource & {
  readonly url?: string | undefined;
  /** Node's request, inside Fastify's. */
  readonly raw?: ForeignSource;
};

/** Begins the subprotocol with a key: `Sec-WebSocket-Protocol: graphql-transport-ws, bearer.<key>`. */
const IN_PROTOCOL = 'bearer.';

/** Names of URL parameters in which clients send keys. */
const IN_URL: ReadonlySet<string> = new Set([
  ...['api_key', 'apikey', 'api-key', 'x-api-key', 'key', 'token', 'access_token', 'auth_token'],
  ...['authorization', 'bearer'],
]);

/** Names of fields in the payload of connection_init that are read as header fields. */
const IN_PAYLOAD: ReadonlySet<string> = new Set(['authorization', 'x-api-key']);

/**
 * Returns the header fields of a connection: those of the request, with the keys of the subprotocols and of
 * connection_init. They are therefore subject to the same rules as over HTTP: two different keys are refused, wherever they
 * are.
 *
 * @param payload of connection_init
 * @param ip the address of the caller; defaults to the address of the socket
 * @throws Refusal BAD_REQUEST for a key in the URL, or a key that is not a string
 */
export function connectionSource(request: OpeningRequest, payload: unknown, ip?: string): CredentialSource {
  refuseInUrl(request.url ?? '');
  // Fastify determines the address, and Node has every header field.
  const { headers, rawHeaders, ip: connected } = readableSource(request.raw ?? request);
  const raw = rawHeaders ?? Object.entries(headers).flatMap(([name, value]) => pairsOf(name, value));
  return {
    headers,
    rawHeaders: [...raw, ...inProtocols(raw), ...inPayload(payload)],
    ip: ip ?? request.ip ?? connected,
  };
}

function pairsOf(name: string, value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).flatMap((each) => [name, each]);
}

/** Returns the keys in the subprotocols, as header fields. */
function inProtocols(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== 'sec-websocket-protocol') continue;
    for (const item of (raw[i + 1] ?? '').split(',')) {
      const protocol = item.trim();
      if (protocol.startsWith(IN_PROTOCOL)) fields.push('x-api-key', decoded(protocol.slice(IN_PROTOCOL.length)));
    }
  }
  return fields;
}

/** A subprotocol can't have white space, `/` or `=`. Keys with such characters are encoded. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    throw bad('The key in Sec-WebSocket-Protocol is not encoded correctly. Use encodeURIComponent.');
  }
}

function inPayload(payload: unknown): string[] {
  return Object.entries((payload ?? {}) as Record<string, unknown>).flatMap(([name, value]) => {
    if (!IN_PAYLOAD.has(name.toLowerCase()) || value == null) return [];
    if (typeof value !== 'string') throw bad(`In connection_init, ${name.toLowerCase()} must be a string.`);
    return [name, value];
  });
}

/**
 * Proxies and servers log URLs (RFC 6750 section 2.3), and a WebSocket client always has a better place for the key.
 *
 * @throws Refusal
 */
function refuseInUrl(url: string): void {
  const query = url.indexOf('?');
  const names = query === -1 ? [] : [...new URLSearchParams(url.slice(query + 1))];
  if (nextToken(url) === null && !names.some(([name, value]) => IN_URL.has(name.toLowerCase()) && value !== '')) return;
  throw bad('The key is in the URL, which is logged. Replace the key, and send the new one in connection_init.');
}

function bad(message: string): Refusal {
  return new Refusal(message, { code: 'BAD_REQUEST' });
}
