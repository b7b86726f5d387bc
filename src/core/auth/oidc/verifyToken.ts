import { errors, jwtVerify, type JWTHeaderParameters, type JWTPayload } from 'jose';
import type { Refusal } from '../../errors/refusal.js';
import type { OidcConfiguration } from './oidcConfiguration.js';
import type { IssuerKeys } from './issuerKeys.js';
import { expired, notYetValid, refusedToken } from './tokenRefusals.js';

/** The claims that every verified token has. */
export interface Claims extends JWTPayload {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
}

/** Accepted values of `typ`: RFC 9068 section 2.1, and `jwt`, which older issuers write. */
const TYPES = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

/**
 * Claims that show that a token is not an access token, but an ID token (OpenID Connect Core 1.0, sections 2 and 3.3.2.11) or
 * a security event such as a logout (RFC 8417).
 */
const OF_OTHER_TOKENS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'];

/**
 * Verifies an access token by RFC 9068 section 4 and returns its claims. Checks the algorithm, signature, issuer, audience and
 * times, and that it is an access token. A message about its claims is only returned if the signature is valid.
 *
 * @param now in milliseconds since the epoch
 * @throws Refusal UNAUTHENTICATED, UNAVAILABLE, and unexpected errors
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
      // RFC 8725 section 3.1: the server chooses the algorithms, never the token.
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
  // A token with the type `at+jwt` may have these claims.
  if ((type === undefined || type === 'jwt') && OF_OTHER_TOKENS.some((claim) => Object.hasOwn(payload, claim))) {
    return 'The token is an ID token or an event, not an access token. Send an access token.';
  }
  // RFC 9449 section 7, RFC 8705 section 3. The binding is not checked here, so a stolen token would work.
  if (Object.hasOwn(payload, 'cnf')) {
    return 'The access token is bound to a key of its client (cnf), which this server does not support. Get an unbound token.';
  }
  // JavaScript reads very large numbers of JSON as Infinity. A token with such a number would never expire.
  if (!(Number(payload.exp) <= LAST_SECOND) || !Number.isFinite(payload.nbf ?? 0)) {
    return 'The exp or nbf of the access token is not a time before the year 10000.';
  }
  return typeof payload.sub === 'string' && payload.sub !== '' ? null : 'The access token has no subject (sub).';
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
    return refusedToken('The access token is malformed. Get a new one, and send all of it.', 'malformed');
  }
  return refusedToken(
    'The access token has a signing key or an algorithm that this server does not trust. Get a new token.',
  );
}
