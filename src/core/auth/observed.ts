import type { Observer, Verification } from '../observer/observer.js';
import { Refusal } from '../errors/refusal.js';
import type { Principal } from './principal.js';

/** Reports a successful verification to the observer. @returns the principal */
export function accepted(observer: Observer, principal: Principal): Principal {
  observer.verified(principal.kind === 'anonymous' ? 'missing' : 'accepted');
  return principal;
}

/** Reports a failed verification to the observer. @throws the error, always */
export function failed(observer: Observer, error: unknown): never {
  observer.verified(verificationOf(error));
  throw error;
}

function verificationOf(error: unknown): Verification {
  if (!(error instanceof Refusal)) return 'unavailable';
  const { details } = error;
  if (details.code === 'UNAUTHENTICATED') return details.reason;
  if (details.code === 'ADDRESS_NOT_ALLOWED') return 'address';
  if (details.code === 'BAD_REQUEST') return 'malformed';
  return details.code === 'RATE_LIMITED' ? 'limited' : 'unavailable';
}
