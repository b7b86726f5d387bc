import { errors, jwtVerify, type JWTHeaderParameters, type JWTPayload } from 'jose';
import type { Refusal } from '../../refusals/refusal.js';
import type { OidcConfiguration } from './configuration.js';
import type { IssuerKeys } from './issuerKeys.js';
import { expired, notYetValid, refusedToken } from './refusals.js';

/** The claims of a token that was found right, as far as all have them. */
export interface Claims extends JWTPayload {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
}

/** RFC 9068 section 2.1, and what issuers write that do not know it. */
const TYPES = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

/**
 * Claims that no access token has and other tokens of the issuer's do: ID tokens (OpenID Connect Core 1.0, sections 2 and
 * 3.3.2.11) and security events such as a logout (RFC 8417).
 */
const OF_OTHER_TOKENS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'];

/**
 * The claims of an access token, judged by RFC 9068 section 4: algorithm, signature, issuer, audience, times, and that it
 * is one. What is wrong with the claims is told only where the signature is right.
 *
 * @param now ms since the epoch
 * @throws Refusal UNAUTHENTICATED, UNAVAILABLE; whatever else goes wrong
 */
export async function verifyToken(
  token: string,
  { issuer, audience, mcpResource, algorithms, clockTolerance }: OidcConfiguration,
  keys: Pick<IssuerKeys, 'find'>,
  now: number,
): Promise<Claims> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, (header) => keys.find(header), {
      issuer,
      audience: mcpResource === null ? audience : [audience, mcpResource],
      // RFC 8725 section 3.1: the server's choice and never the token's.
      algorithms: [...algorithms],
      clockTolerance,
      currentDate: new Date(now),
      requiredClaims: ['exp', 'sub'],
    });
    const wrong = faultOf(payload, protectedHeader);
    if (wrong !== null) throw refusedToken(wrong);
    return payload as Claims;
  } catch (error) {
    throw error instanceof errors.JOSEError ? refusalOf(error) : error;
  }
}

/** The last second of the year 9999. */
const LAST_SECOND = 253_402_300_799;

function faultOf(payload: JWTPayload, { typ }: JWTHeaderParameters): string | null {
  const type = typ?.toLowerCase();
  if (type !== undefined && !TYPES.has(type)) {
    return 'The typ header says that the token is not an access token. Send an access token.';
  }
  // Who says that it is an access token may add what it likes.
  if ((type === undefined || type === 'jwt') && OF_OTHER_TOKENS.some((claim) => Object.hasOwn(payload, claim))) {
    return 'The token is an ID token or an event, and no access token. Send an access token.';
  }
  // RFC 9449 section 7, RFC 8705 section 3: a stolen one would be as good as the thief's own.
  if (Object.hasOwn(payload, 'cnf')) {
    return 'The access token is bound to a key of its client, which is not looked at here. Get one that is not bound.';
  }
  // JSON has numbers that JavaScript reads as Infinity: such a token would never end.
  if (!(Number(payload.exp) <= LAST_SECOND) || !Number.isFinite(payload.nbf ?? 0)) {
    return 'The exp or nbf of the access token is not a time before the year 10000.';
  }
  return typeof payload.sub === 'string' && payload.sub !== '' ? null : 'The access token names no subject.';
}

function refusalOf(error: errors.JOSEError): Refusal {
  if (error instanceof errors.JWTExpired) return expired();
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return notYetValid();
    if (error.claim === 'aud') {
      return refusedToken('The access token is meant for another audience. Ask its issuer for one for this server.');
    }
    return refusedToken('The access token is not from the issuer that this server trusts, or lacks a claim.');
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return refusedToken('The access token is malformed: get a new one, and send it whole.', 'malformed');
  }
  return refusedToken('The access token is signed by no key, or in no way, that this server trusts. Get a new one.');
}
