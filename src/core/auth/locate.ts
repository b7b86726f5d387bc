import { detached } from '../net/detached.js';
import { Refusal } from '../errors/refusal.js';

/**
 * A request: Node's IncomingMessage, or any object with its header fields. `rawHeaders` is preferred, because Node silently
 * drops a second Authorization field from `headers`.
 */
export interface CredentialSource {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawHeaders?: readonly string[];
  /** The client's address, as Express and Fastify determine it with trusted proxies. Default: the socket's address. */
  readonly ip?: string | undefined;
  readonly socket?: { readonly remoteAddress?: string | undefined };
}

const HOW_TO_SEND =
  'Send one key, as "Authorization: Bearer <key>", "Authorization: Api-Key <key>" or "X-API-Key: <key>".';

const SCHEME_AND_KEY = /^(?:bearer|api-key) +(.+)$/i;

/** A supported scheme without a key, as some clients send if they have no key. */
const WITHOUT_KEY = /^(?:bearer|api-key)$/i;

/**
 * Schemes for the login of a proxy (RFC 7617, 7616, 4559). They never contain a key. The pattern is strict, so that no second
 * credential can hide after a comma.
 */
const PROXY_SCHEME =
  /^(?:(?:basic|negotiate|ntlm)(?: +[A-Za-z0-9._~+/=-]+)?|digest +[a-z-]+=(?:"[^"]*"|[^\s",]+)(?:[ \t]*,[ \t]*[a-z-]+=(?:"[^"]*"|[^\s",]+))*)$/i;

interface Found {
  key: string | null;
  /** Whether there is a key outside the Authorization field. */
  apart: boolean;
  /** Whether there is an Authorization field without a key. It is ignored if `apart` is true, and refused otherwise. */
  other: boolean;
}

/**
 * Returns the credential of a request, from `Authorization: Bearer`, `Authorization: Api-Key` (schemes are case-insensitive,
 * RFC 9110) or `X-API-Key`. The same credential may be sent twice, and blank fields are ignored. If X-API-Key has a key, the
 * Authorization field can have a proxy's login: Basic, Digest, Negotiate or NTLM.
 *
 * @param apart whether the request has a key elsewhere, such as in the address of a stream. Default: no
 * @returns null if there is no credential
 * @throws Refusal BAD_REQUEST for two different credentials, or an Authorization field in any other form
 */
export function locateCredential({ headers, rawHeaders }: CredentialSource, apart = false): string | null {
  const found: Found = { key: null, apart, other: false };
  if (rawHeaders !== undefined && rawHeaders.length > 0) {
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] ?? '';
      // Only names with the length of "X-API-Key" or "Authorization" are copied to lower case, to save time.
      if (name.length === 9 || name.length === 13) take(found, name.toLowerCase(), rawHeaders[i + 1] ?? '');
    }
  } else {
    for (const name of ['authorization', 'x-api-key'] as const) {
      const value = headers[name];
      for (const item of Array.isArray(value) ? value : [value]) if (item !== undefined) take(found, name, item);
    }
  }
  if (found.other && !found.apart) throw bad('The Authorization header has no valid key.');
  return found.key;
}

/** @param name in lower case */
function take(found: Found, name: string, field: string): void {
  if (name !== 'x-api-key' && name !== 'authorization') return;
  const value = field.trim();
  if (value === '') return;
  if (name === 'x-api-key') {
    found.apart = true;
    add(found, value, field);
    return;
  }
  const key = SCHEME_AND_KEY.exec(value)?.[1];
  if (key !== undefined) add(found, key, field);
  else if (WITHOUT_KEY.test(value) || PROXY_SCHEME.test(value)) found.other = true;
  else throw bad('The Authorization header has an unknown scheme.');
}

/** The maximum number of characters around a key that caches of its parts keep in memory. A scheme has a few. */
const MAX_AROUND = 32;

/** @param field the header field that contains the key. White space around the key can make it much longer */
function add(found: Found, key: string, field: string): void {
  if (found.key !== null && found.key !== key) throw bad('The request has two different credentials.');
  found.key = field.length - key.length > MAX_AROUND ? detached(key) : key;
}

function bad(message: string): Refusal {
  return new Refusal(`${message} ${HOW_TO_SEND}`, { code: 'BAD_REQUEST' });
}
