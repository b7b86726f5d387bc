import { Refusal } from '../refusals/refusal.js';

/**
 * What a credential is looked for in: Node's IncomingMessage, or anything with its header fields. `rawHeaders` is
 * preferred, for Node drops a second Authorization field from `headers` without a word.
 */
export interface CredentialSource {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawHeaders?: readonly string[];
  /** The caller's address, as Express and Fastify work it out under their rules for proxies. Default: the socket's. */
  readonly ip?: string | undefined;
  readonly socket?: { readonly remoteAddress?: string | undefined };
}

const HOW_TO_SEND =
  'Send one key, as "Authorization: Bearer <key>", "Authorization: Api-Key <key>" or "X-API-Key: <key>".';

const SCHEME_AND_KEY = /^(?:bearer|api-key) +(.+)$/i;

/** One of our schemes without a key, as a client sends that has none. */
const WITHOUT_KEY = /^(?:bearer|api-key)$/i;

/**
 * Schemes that browsers and proxies negotiate among themselves (RFC 7617, 7616, 4559). A key is never in them. Strict, so
 * that no second credential hides behind a comma.
 */
const PROXY_SCHEME =
  /^(?:(?:basic|negotiate|ntlm)(?: +[A-Za-z0-9._~+/=-]+)?|digest +[a-z-]+=(?:"[^"]*"|[^\s",]+)(?:[ \t]*,[ \t]*[a-z-]+=(?:"[^"]*"|[^\s",]+))*)$/i;

interface Found {
  key: string | null;
  /** Was the key in X-API-Key? */
  apart: boolean;
  /** Is there an Authorization field that is ignored beside X-API-Key, and refused otherwise? */
  other: boolean;
}

/**
 * Returns the one credential of a request: `Authorization: Bearer`, `Authorization: Api-Key` (RFC 9110: schemes are
 * case-insensitive) or `X-API-Key`. The same one twice is one, and a blank field is none. Beside a key in X-API-Key,
 * Authorization may hold what a proxy in front asks for: Basic, Digest, Negotiate or NTLM.
 *
 * @param apart whether the request has a key elsewhere, as a stream may in its address. Default: no
 * @returns null where there is none
 * @throws Refusal BAD_REQUEST for two different ones, and for an Authorization field of any other form
 */
export function locateCredential({ headers, rawHeaders }: CredentialSource, apart = false): string | null {
  const found: Found = { key: null, apart, other: false };
  if (rawHeaders !== undefined && rawHeaders.length > 0) {
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] ?? '';
      // The lengths of "X-API-Key" and "Authorization" spare the other fields a lower-case copy.
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
    add(found, value);
    return;
  }
  const key = SCHEME_AND_KEY.exec(value)?.[1];
  if (key !== undefined) add(found, key);
  else if (WITHOUT_KEY.test(value) || PROXY_SCHEME.test(value)) found.other = true;
  else throw bad('The Authorization header has an unknown scheme.');
}

function add(found: Found, key: string): void {
  if (found.key !== null && found.key !== key) throw bad('The request has two different credentials.');
  found.key = key;
}

function bad(message: string): Refusal {
  return new Refusal(`${message} ${HOW_TO_SEND}`, { code: 'BAD_REQUEST' });
}
