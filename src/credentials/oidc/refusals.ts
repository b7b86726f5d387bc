import { Refusal, type UnauthenticatedReason } from '../../refusals/refusal.js';

/** Apart from what judges tokens, which is loaded where there are any. */
export function refusedToken(message: string, reason: UnauthenticatedReason = 'unknown'): Refusal {
  return new Refusal(message, { code: 'UNAUTHENTICATED', reason });
}

export function expired(): Refusal {
  return refusedToken('The access token has expired. Get a new one from its issuer.', 'expired');
}

export function notYetValid(): Refusal {
  return refusedToken('The access token is not valid yet. Use it later, or have the clock of its issuer set right.');
}
