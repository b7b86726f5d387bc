import type { KeyObject } from 'node:crypto';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import type { Refusal } from '../../errors/refusal.js';
import { isId } from '../../keys/keyInput.js';
import { refusedToken } from '../oidc/tokenRefusals.js';
import { expiredDerived, unknownSigner } from './derivedRefusals.js';
import { DERIVED_TYPE } from './derivedForm.js';

/** The claims of a derived token, after its signature was verified. */
export interface DerivedClaims {
  readonly tokenId: string;
  /** The key that it was derived from. */
  readonly keyId: string;
  readonly scopes: readonly string[];
  /** In milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface VerifyDerivedOptions {
  /** The expected `iss` and `aud`. */
  readonly issuer: string;
  /** Returns the public key with an ID; null if there is none that can have signed a valid token. */
  readonly keyOf: (kid: string) => Promise<KeyObject | null>;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
}

/** SHA-256 in base64url. */
const KID = /^[\w-]{43}$/;

/**
 * Verifies a derived token. Its signature is checked only if its header is valid and its signing key is known, and a
 * message about its claims is only returned if the signature is valid.
 *
 * @throws Refusal UNAUTHENTICATED, and errors of `keyOf`
 */
export async function verifyDerived(
  token: string,
  { issuer, keyOf, now }: VerifyDerivedOptions,
): Promise<DerivedClaims> {
  try {
    const findKey = async ({ kid }: { readonly kid?: string | undefined }): Promise<KeyObject> => {
      const key = kid !== undefined && KID.test(kid) ? await keyOf(kid) : null;
      if (key === null) throw unknownSigner();
      return key;
    };
    const { payload } = await jwtVerify(token, findKey, {
      issuer,
      audience: issuer,
      typ: DERIVED_TYPE,
      // RFC 8725 section 3.1: the server chooses the algorithm, never the token.
      algorithms: ['EdDSA'],
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'jti', 'key_id', 'scope'],
    });
    return claimsIn(payload);
  } catch (error) {
    throw error instanceof errors.JOSEError ? refusalOf(error) : error;
  }
}

function claimsIn({ jti, exp, key_id: keyId, scope }: JWTPayload): DerivedClaims {
  const isValid =
    typeof jti === 'string' && typeof exp === 'number' && typeof keyId === 'string' && typeof scope === 'string';
  if (!isValid || !isId(keyId)) throw refusedToken('The derived token has an invalid claim. Derive a new one.');
  return { tokenId: jti, keyId, scopes: scope.split(' '), expiresAt: exp * 1_000 };
}

function refusalOf(error: errors.JOSEError): Refusal {
  if (error instanceof errors.JWTExpired) return expiredDerived();
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
    return refusedToken(
      'The derived token is for another audience. Send it to that service, or derive one without an audience for this server.',
    );
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refusedToken(
      'The derived token has an invalid claim, or is from another installation. Derive a new one here.',
    );
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refusedToken('The signature of the derived token is invalid. Derive a new one, and send all of it.');
  }
  return refusedToken('The derived token is malformed. Derive a new one, and send all of it.', 'malformed');
}
