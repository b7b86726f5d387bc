import { checksum } from './checksum.js';
import { CHECKSUM_LENGTH, WHOLE_TOKEN } from './tokenShape.js';

/** The length of the longest token: ten characters of type, `_live_` and 54 of body. */
const MAX_TOKEN_LENGTH = 10 + '_live_'.length + 54;

/**
 * Finds every Latchkey token, whatever its prefix: for secret scanners. It uses nothing that RE2 or Hyperscan lack (no
 * look-around). {@link isToken} on each match recognizes real tokens by their checksum.
 *
 * @example
 * ```ts
 * import { isToken, TOKEN_PATTERN } from 'latchkey';
 *
 * export const tokensIn = (text: string): string[] => [...text.matchAll(TOKEN_PATTERN)].map(([token]) => token).filter(isToken);
 * ```
 */
export const TOKEN_PATTERN = /[a-z][a-z0-9]{0,9}_(?:live|test)_[0-9A-Za-z]{54}/g;

/**
 * Returns whether the text is a whole token with a right checksum.
 *
 * @example
 * ```ts
 * import { isToken } from 'latchkey';
 *
 * if (process.argv.some(isToken)) console.warn('Arguments are visible to other users. Pass the key in a variable.');
 * ```
 */
export function isToken(text: string): boolean {
  if (text.length > MAX_TOKEN_LENGTH || !WHOLE_TOKEN.test(text)) return false;
  const cut = text.length - CHECKSUM_LENGTH;
  return checksum(text.slice(0, cut)) === text.slice(cut);
}

/** A token within a text, and where it begins. */
export interface PlacedToken {
  readonly index: number;
  readonly token: string;
}

/** Returns the first whole token that begins at `from` or later; null if there is none. */
export function nextToken(text: string, from = 0): PlacedToken | null {
  // Much faster than the other expression, which begins to match at every lower-case letter.
  const marker = /_(?:live|test)_/g;
  marker.lastIndex = from;
  if (!marker.test(text)) return null;
  const pattern = new RegExp(TOKEN_PATTERN);
  for (let at = from; ;) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return null;
    const { index, 0: token } = match;
    if (isToken(token)) return { index, token };
    // A letter before the token, such as the n of `\nlks_live_…` in JSON, is part of the match and not of the token.
    at = index + 1;
  }
}
