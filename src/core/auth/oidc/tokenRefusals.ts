import { Refusal, type UnauthenticatedReason } from '../../errors/refusal.js';

/** Returns the refusal for an access token. In a file without jose, which is only loaded if tokens are accepted. */
export function refusedToken(message: string, reason: UnauthenticatedReason = 'unknown'): Refusal {
  return new Refusal(message, { code: 'UNAUTHENTICATED', reason });
}

export function expired(): Refusal {
  return refusedToken('The access token has expired. Get a new one from its issuer.', 'expired');
}

export function notYetValid(): Refusal {
  return refusedToken('The access token is not valid yet. Use it later, or correct the clock of its issuer.');
}
