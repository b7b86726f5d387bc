import { hash } from 'node:crypto';
import { FOREIGN } from '../store/records.js';
import { MAX_CREDENTIAL_LENGTH } from './token.js';

/**
 * Schemes for imported tokens, which another system created in any format. A scheme determines which part of a token finds
 * the key's record (the locator), and which part is verified (the secret). The record's lookup ID contains the scheme:
 * `foreign:<scheme>:<locator>`.
 *
 * - `sha256`: the other system stored a SHA-256 of the token. This digest is the secret. It is stored as bcrypt and as an
 *   HMAC under the pepper, like any secret, so that keys survive the change or loss of the pepper. The locator is 96 bits of
 *   a hash of the digest. It reveals no more than the table that the key was imported from.
 * - `bcrypt`: a bcrypt hash can't be looked up, so the locator is the start of the token: a fixed number of characters, or
 *   everything before a separator.
 */
export type ForeignScheme = { readonly kind: 'sha256' } | BcryptScheme;

interface BcryptScheme {
  readonly kind: 'bcrypt';
  /** The part of the token that was hashed: all of it, or the rest after the locator (and its separator). */
  readonly hashed: 'whole' | 'rest';
  readonly locator: BcryptLocator;
}

/** The locator is the first `prefix` characters, or everything before the character `until`. */
type BcryptLocator = { readonly prefix: number } | { readonly until: string };

/** The lookup ID of a token under a scheme, and the secret to verify. */
export interface Located {
  readonly lookupId: string;
  readonly secret: string;
}

/** bcrypt ignores the rest, so a longer secret would match every token with the same start (Okta, 2024). */
const MAX_BCRYPT_BYTES = 72;

/** The maximum length of a bcrypt locator. A lookup ID must fit into messages of 200 characters between processes. */
export const MAX_LOCATOR = 128;

/** Visible ASCII. Other characters may change on the way in a header field. */
const TOKEN = /^[\x21-\x7e]+$/;

const BCRYPT_NAME = /^bcrypt-(whole|rest)-(prefix|until)-(\d{1,3})$/;

/** Returns the lookup ID and the secret of a token; null if it can't be a token of the scheme. */
export function locate(scheme: ForeignScheme, token: string): Located | null {
  if (token.length > MAX_CREDENTIAL_LENGTH || !TOKEN.test(token)) return null;
  if (scheme.kind === 'sha256') return locateDigest(hash('sha256', token, 'hex'));
  const [locator, rest] = parted(scheme.locator, token);
  if (locator === '' || rest === '' || locator.length > MAX_LOCATOR) return null;
  const secret = scheme.hashed === 'whole' ? token : rest;
  return secret.length > MAX_BCRYPT_BYTES ? null : { lookupId: lookupIdOf(scheme, locator), secret };
}

/** Returns the lookup ID and the secret of a token by its SHA-256. @param digest in lower-case hexadecimal */
export function locateDigest(digest: string): Located {
  const locator = hash('sha256', `latchkey locator ${digest}`, 'base64url').slice(0, 16);
  return { lookupId: lookupIdOf({ kind: 'sha256' }, locator), secret: digest };
}

/** Returns the lookup ID of an imported key. */
export function lookupIdOf(scheme: ForeignScheme, locator: string): string {
  return `${FOREIGN}${nameOf(scheme)}:${locator}`;
}

/** Returns the name of a scheme, as lookup IDs contain it. */
export function nameOf(scheme: ForeignScheme): string {
  if (scheme.kind === 'sha256') return 'sha256';
  const { hashed, locator } = scheme;
  // A character code, because the separator may be the colon that ends the name.
  return 'prefix' in locator
    ? `bcrypt-${hashed}-prefix-${locator.prefix}`
    : `bcrypt-${hashed}-until-${locator.until.charCodeAt(0)}`;
}

/** Returns the scheme with a name; null if this release doesn't know the name. */
export function schemeNamed(name: string): ForeignScheme | null {
  if (name === 'sha256') return { kind: 'sha256' };
  const [, hashed, by, number] = BCRYPT_NAME.exec(name) ?? [];
  if (hashed === undefined) return null;
  const locator = by === 'prefix' ? { prefix: Number(number) } : { until: String.fromCharCode(Number(number)) };
  return { kind: 'bcrypt', hashed: hashed === 'whole' ? 'whole' : 'rest', locator };
}

/** Returns the locator and the rest of a token; two empty strings if the token has no separator. */
function parted(locator: BcryptLocator, token: string): readonly [string, string] {
  if ('prefix' in locator) return [token.slice(0, locator.prefix), token.slice(locator.prefix)];
  const end = token.indexOf(locator.until);
  return end < 0 ? ['', ''] : [token.slice(0, end), token.slice(end + 1)];
}
