import type { Refusal, UnauthenticatedReason } from '../../errors/refusal.js';
import { refusedToken } from '../oidc/tokenRefusals.js';

/** The messages for a derived token whose key is refused. */
const OF_KEY: Readonly<Partial<Record<UnauthenticatedReason, string>>> = {
  revoked: 'The key of this derived token was revoked. Derive a new token with a valid key.',
  expired: 'The key of this derived token has expired. Derive a new token with a valid key.',
  user_left:
    'The user who owns the key of this derived token was removed from the workspace. Derive a new token with a valid key.',
};

/** Returns the refusal for a derived token whose key has ended. */
export function endedKey(reason: 'revoked' | 'expired' | 'user_left'): Refusal {
  return refusedToken(OF_KEY[reason] ?? '', reason);
}

export function missingKey(): Refusal {
  return refusedToken('The key of this derived token no longer exists. Derive a new token with a valid key.');
}

export function expiredDerived(): Refusal {
  return refusedToken('The derived token has expired. Derive a new one with its key.', 'expired');
}

export function unknownSigner(): Refusal {
  return refusedToken(
    'The derived token was not signed by this installation, or so long ago that it has expired. Derive a new one here.',
  );
}

/** Returns the refusal for a JWT that only describes a caller. */
export function notACredential(): Refusal {
  return refusedToken(
    'A Latchkey-Principal token describes a caller to a service and is not a credential. Send a key or a derived token.',
    'malformed',
  );
}
