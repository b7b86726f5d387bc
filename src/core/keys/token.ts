import { randomBytes } from 'node:crypto';
import { isForeign, type Environment } from '../store/records.js';
import { ALPHABET, checksum } from '../../shared/text/checksum.js';
import { DEFAULT_PREFIXES, KNOWN_PREFIXES } from '../../shared/text/prefixes.js';
import {
  BODY_LENGTH,
  CHECKSUM_LENGTH,
  lookupIdIn,
  LOOKUP_LENGTH,
  SECRET_LENGTH,
  TOKEN_START,
  WHOLE_TOKEN,
} from '../../shared/text/tokenShape.js';
import { isToken, TOKEN_PATTERN } from '../../shared/text/wholeToken.js';

export { DEFAULT_PREFIXES, isToken, KNOWN_PREFIXES, lookupIdIn, TOKEN_PATTERN };

/** The maximum length of a credential, in characters. Longer input is refused before it is parsed. */
export const MAX_CREDENTIAL_LENGTH = 256;

/** The format of a prefix. */
export const PREFIX_PATTERN = /^[a-z][a-z0-9]{0,9}$/;

interface TokenParts {
  /** Type and environment, as in `lks_live`. */
  readonly tokenPrefix: string;
  readonly lookupId: string;
  readonly secret: string;
}

interface MintedToken extends TokenParts {
  /** The complete token. It is shown once and never stored. */
  readonly token: string;
}

/** Creates a token with a random lookup ID (95 bits) and secret (190 bits). */
export function mintToken(prefix: string, environment: Environment): MintedToken {
  const tokenPrefix = `${prefix}_${environment.toLowerCase()}`;
  const lookupId = randomBase62(LOOKUP_LENGTH);
  const secret = randomBase62(SECRET_LENGTH);
  const unchecked = `${tokenPrefix}_${lookupId}${secret}`;
  return { tokenPrefix, lookupId, secret, token: unchecked + checksum(unchecked) };
}

/** Parses a token. @returns null if its format or checksum is wrong */
export function parseToken(text: string): TokenParts | null {
  if (!isToken(text)) return null;
  const body = text.length - BODY_LENGTH;
  return {
    tokenPrefix: text.slice(0, body - 1),
    lookupId: lookupIdIn(text),
    secret: text.slice(body + LOOKUP_LENGTH, -CHECKSUM_LENGTH),
  };
}

/**
 * Returns whether a text is meant as a token of this installation, even if it is incomplete or mistyped: it has the format
 * of a token, or starts with a prefix of this installation. {@link parseToken} checks whether it is valid.
 *
 * @param prefixes of this installation, such as `lks`
 */
export function isMeantAsToken(text: string, prefixes: readonly string[]): boolean {
  if (text.length > MAX_CREDENTIAL_LENGTH) return false;
  if (WHOLE_TOKEN.test(text)) return true;
  const [, start = ''] = TOKEN_START.exec(text) ?? [];
  return prefixes.includes(start.slice(0, Math.max(start.lastIndexOf('_'), 0)).toLowerCase());
}

/**
 * Returns the part of a token that may be displayed: the prefix, such as `lks_live_`, and the first six characters of the
 * lookup ID, but no part of the secret. For an imported key, the part that the other system displayed, possibly nothing.
 */
export function shownPrefix(key: { readonly tokenPrefix: string; readonly lookupId: string }): string {
  if (isForeign(key)) return key.tokenPrefix;
  return `${key.tokenPrefix}_${key.lookupId.slice(0, 6)}`;
}

/** Returns random base62 characters. To avoid bias, bytes of 248 (4 × 62) or more are discarded. */
export function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte >= 248) continue;
      text += ALPHABET.charAt(byte % 62);
      if (text.length === length) break;
    }
  }
  return text;
}
