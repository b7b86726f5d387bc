import { randomBytes } from 'node:crypto';
import { isForeign, type Environment, type KeyType } from '../store/records.js';
import { ALPHABET, checksum } from '../text/checksum.js';
import {
  BODY_LENGTH,
  CHECKSUM_LENGTH,
  lookupIdIn,
  LOOKUP_LENGTH,
  SECRET_LENGTH,
  TOKEN_START,
  WHOLE_TOKEN,
} from '../text/tokenShape.js';
import { isToken, TOKEN_PATTERN } from '../text/wholeToken.js';

export { isToken, lookupIdIn, TOKEN_PATTERN };

/** Longer input is refused before anything looks at it. In characters. */
export const MAX_CREDENTIAL_LENGTH = 256;

/** Prefixes of new tokens, unless they are set otherwise. */
export const DEFAULT_PREFIXES: Readonly<Record<KeyType, string>> = Object.freeze({
  SECRET: 'sk',
  CLIENT: 'ck',
  READ_ONLY: 'rk',
});

/** What a key type's prefix may be. */
export const PREFIX_PATTERN = /^[a-z][a-z0-9]{0,9}$/;

export interface TokenParts {
  /** Type and environment, as in `sk_live`. */
  readonly tokenPrefix: string;
  readonly lookupId: string;
  readonly secret: string;
}

export interface MintedToken extends TokenParts {
  /** The whole token: shown once, never stored. */
  readonly token: string;
}

/** Makes a token with a fresh lookup id (95 bits) and secret (190 bits). */
export function mintToken(prefix: string, environment: Environment): MintedToken {
  const tokenPrefix = `${prefix}_${environment.toLowerCase()}`;
  const lookupId = randomBase62(LOOKUP_LENGTH);
  const secret = randomBase62(SECRET_LENGTH);
  const unchecked = `${tokenPrefix}_${lookupId}${secret}`;
  return { tokenPrefix, lookupId, secret, token: unchecked + checksum(unchecked) };
}

/** @returns null where shape or checksum is wrong */
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
 * Whether a text was meant as a token of this installation, however much of it is missing or mistyped: it has a token's form, or a
 * prefix that tokens here begin with. {@link parseToken} tells whether it is one.
 *
 * @param prefixes of this installation, such as `sk`
 */
export function isMeantAsToken(text: string, prefixes: readonly string[]): boolean {
  if (text.length > MAX_CREDENTIAL_LENGTH) return false;
  if (WHOLE_TOKEN.test(text)) return true;
  const [, start = ''] = TOKEN_START.exec(text) ?? [];
  return prefixes.includes(start.slice(0, Math.max(start.lastIndexOf('_'), 0)).toLowerCase());
}

/**
 * What may be shown of a key: `sk_live_` and the first six characters of its lookup id; nothing of the secret. Of an imported
 * one what its system showed, which may be nothing.
 */
export function shownPrefix(key: { readonly tokenPrefix: string; readonly lookupId: string }): string {
  if (isForeign(key)) return key.tokenPrefix;
  return `${key.tokenPrefix}_${key.lookupId.slice(0, 6)}`;
}

/** Base62 characters drawn without bias: bytes from 248 (4 × 62) up are thrown away. */
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
