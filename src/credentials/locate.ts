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

/**
 * The one credential of a request: `Authorization: Bearer`, `Authorization: Api-Key` (RFC 9110: schemes are
 * case-insensitive) or `X-API-Key`. The same one twice is one.
 *
 * @returns null where there is none
 * @throws Refusal BAD_REQUEST for two different ones, and for an Authorization field of any other form
 */
export function locateCredential({ headers, rawHeaders }: CredentialSource): string | null {
  let found: string | null = null;
  if (rawHeaders !== undefined) {
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] ?? '';
      // The lengths of "X-API-Key" and "Authorization" spare the other fields a lower-case copy.
      if (name.length !== 9 && name.length !== 13) continue;
      found = take(found, name.toLowerCase(), rawHeaders[i + 1] ?? '');
    }
    return found;
  }
  for (const name of ['authorization', 'x-api-key'] as const) {
    const value = headers[name];
    for (const item of Array.isArray(value) ? value : [value]) if (item !== undefined) found = take(found, name, item);
  }
  return found;
}

/** @param name in lower case @returns the credential found so far, this field's included */
function take(found: string | null, name: string, value: string): string | null {
  let credential: string | undefined;
  if (name === 'x-api-key') {
    credential = value.trim();
  } else if (name === 'authorization') {
    credential = SCHEME_AND_KEY.exec(value.trim())?.[1];
    if (credential === undefined) {
      throw new Refusal(`The Authorization header is not understood. ${HOW_TO_SEND}`, { code: 'BAD_REQUEST' });
    }
  } else {
    return found;
  }
  if (found !== null && found !== credential) {
    throw new Refusal(`The request carries two different credentials. ${HOW_TO_SEND}`, { code: 'BAD_REQUEST' });
  }
  return credential;
}
