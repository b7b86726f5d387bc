import type { Observer, Verification } from '../observer/observer.js';
import { Refusal } from '../errors/refusal.js';
import { Refused } from '../errors/refusalValue.js';
import type { Principal } from './principal.js';

/** Reports a verification to the observer. @returns its result */
export function told<Result extends Principal | Refused>(observer: Observer, result: Result): Result {
  if (result instanceof Refused) observer.verified(verificationOf(result));
  else observer.verified(result.kind === 'anonymous' ? 'missing' : 'accepted');
  return result;
}

/** Reports a failed verification to the observer. @throws the error, always */
export function failed(observer: Observer, error: unknown): never {
  observer.verified(error instanceof Refusal ? verificationOf(error) : 'unavailable');
  throw error;
}

function verificationOf({ details }: Pick<Refusal, 'details'>): Verification {
  if (details.code === 'UNAUTHENTICATED') return details.reason;
  if (details.code === 'ADDRESS_NOT_ALLOWED') return 'address';
  if (details.code === 'BAD_REQUEST') return 'malformed';
  return details.code === 'RATE_LIMITED' ? 'limited' : 'unavailable';
}
