import type { Signer } from './processKeys.js';

/**
 * Returns a signed JWT in compact form (RFC 7515 section 7.1).
 *
 * jose's `SignJWT` is not used, because it only returns a promise, and a token is signed on the synchronous path of a
 * request with a known key. The form is simple to write; tokens from others are always read by jose.
 *
 * @param typ the type of token, which keeps one kind from being accepted as another (RFC 8725 section 3.11)
 */
export function signedToken(signer: Signer, typ: string, claims: object): string {
  const header = encoded({ alg: 'EdDSA', typ, kid: signer.kid });
  const unsigned = `${header}.${encoded(claims)}`;
  return `${unsigned}.${signer.sign(unsigned)}`;
}

/**
 * Returns the characters with which every token of a type begins. They show a token's type without decoding it, and secret scanners look
 * for them.
 */
export function beginningOf(typ: string): string {
  const header = JSON.stringify({ alg: 'EdDSA', typ, kid: '' }).slice(0, -'"}'.length);
  // Only whole characters: each has 6 bits, and the next byte determines the rest of the last one.
  return Buffer.from(header)
    .toString('base64url')
    .slice(0, Math.floor((header.length * 8) / 6));
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
