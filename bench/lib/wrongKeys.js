import { crc32 } from 'node:zlib';
import { parseToken, randomBase62 } from '../../build/core/keys/token.js';
import { mint } from './keys.js';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Returns a well-formed token that was never issued. */
export function unknownKey() {
  return mint().token;
}

/** The token with another secret: the key is found, and its secret is not the one. @param {string} token */
export function withWrongSecret(token) {
  const { tokenPrefix, lookupId } = parseToken(token);
  const unchecked = `${tokenPrefix}_${lookupId}${randomBase62(32)}`;
  let rest = crc32(unchecked);
  let checksum = '';
  for (let i = 0; i < 6; i += 1) {
    checksum = DIGITS[rest % 62] + checksum;
    rest = Math.floor(rest / 62);
  }
  return unchecked + checksum;
}
