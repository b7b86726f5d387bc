import { hash } from 'node:crypto';
import { FOREIGN } from '../store/records.js';
import { MAX_CREDENTIAL_LENGTH } from './token.js';

/**
 * Tokens that another system made, of any shape: what of one names the key's record, and what is verified. Both are told
 * by the scheme under which the key was imported, and the scheme stands in the record's lookup id,
 * `foreign:<scheme>:<locator>`.
 *
 * - `sha256`: the system kept a SHA-256 of the token. The locator is 96 bits of a hash of that digest, and the digest itself
 *   is the secret: kept as bcrypt and as an HMAC under the pepper, as any secret is, so that a changed pepper, or a lost
 *   one, loses no key. The locator tells who has the store no more than the table did that the key came from.
 * - bcrypt: a hash cannot be looked up, so that a leading part of the token names the record: the first so many
 *   characters, or what stands before a separator.
 */
export type ForeignScheme = { readonly kind: 'sha256' } | BcryptScheme;

export interface BcryptScheme {
  readonly kind: 'bcrypt';
  /** What was hashed: the token as a whole, or what follows on the locator (and its separator). */
  readonly hashed: 'whole' | 'rest';
  readonly locator: BcryptLocator;
}

/** `until` is one character. */
export type BcryptLocator = { readonly prefix: number } | { readonly until: string };

/** Where a token would be found, and what would have to be right about it. */
export interface Located {
  readonly lookupId: string;
  readonly secret: string;
}

/** bcrypt reads no further: what was hashed then counts to here alone, so that a longer token would be one of many (Okta, 2024). */
const MAX_BCRYPT_BYTES = 72;

/** Of a locator in clear, in characters: a lookup id goes through messages of 200. */
export const MAX_LOCATOR = 128;

/** Visible ASCII, which is all that arrives in a header field as it was sent. */
const TOKEN = /^[\x21-\x7e]+$/;

const BCRYPT_NAME = /^bcrypt-(whole|rest)-(prefix|until)-(\d{1,3})$/;

/** Where the token would be; null where it is none that the scheme could name. */
export function locate(scheme: ForeignScheme, token: string): Located | null {
  if (token.length > MAX_CREDENTIAL_LENGTH || !TOKEN.test(token)) return null;
  if (scheme.kind === 'sha256') return locateDigest(hash('sha256', token, 'hex'));
  const [locator, rest] = parted(scheme.locator, token);
  if (locator === '' || rest === '' || locator.length > MAX_LOCATOR) return null;
  const secret = scheme.hashed === 'whole' ? token : rest;
  return secret.length > MAX_BCRYPT_BYTES ? null : { lookupId: lookupIdOf(scheme, locator), secret };
}

/** @param digest SHA-256 of the token, in lower-case hexadecimal */
export function locateDigest(digest: string): Located {
  const locator = hash('sha256', `latchkey locator ${digest}`, 'base64url').slice(0, 16);
  return { lookupId: lookupIdOf({ kind: 'sha256' }, locator), secret: digest };
}

export function lookupIdOf(scheme: ForeignScheme, locator: string): string {
  return `${FOREIGN}${nameOf(scheme)}:${locator}`;
}

/** Names the scheme in lookup ids. */
export function nameOf(scheme: ForeignScheme): string {
  if (scheme.kind === 'sha256') return 'sha256';
  const { hashed, locator } = scheme;
  // By its number: a separator may be the colon that ends the name.
  return 'prefix' in locator
    ? `bcrypt-${hashed}-prefix-${locator.prefix}`
    : `bcrypt-${hashed}-until-${locator.until.charCodeAt(0)}`;
}

/** @returns null for a name that a later release may know */
export function schemeNamed(name: string): ForeignScheme | null {
  if (name === 'sha256') return { kind: 'sha256' };
  const [, hashed, by, number] = BCRYPT_NAME.exec(name) ?? [];
  if (hashed === undefined) return null;
  const locator = by === 'prefix' ? { prefix: Number(number) } : { until: String.fromCharCode(Number(number)) };
  return { kind: 'bcrypt', hashed: hashed === 'whole' ? 'whole' : 'rest', locator };
}

/** The locator and what follows on it; two empty texts where the token has no such parts. */
function parted(locator: BcryptLocator, token: string): readonly [string, string] {
  if ('prefix' in locator) return [token.slice(0, locator.prefix), token.slice(locator.prefix)];
  const end = token.indexOf(locator.until);
  return end < 0 ? ['', ''] : [token.slice(0, end), token.slice(end + 1)];
}
