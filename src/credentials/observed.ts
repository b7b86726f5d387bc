import { UNOBSERVED, type Observer, type Verification } from '../metrics/observer.js';
import { Refusal } from '../refusals/refusal.js';
import type { Principal } from './principal.js';

/** Tells the observer how a verification ends. Adds no promise to one that needs none. */
export function observed(
  observer: Observer,
  verify: () => Principal | Promise<Principal>,
): Principal | Promise<Principal> {
  if (observer === UNOBSERVED) return verify();
  const ended = (principal: Principal): Principal => {
    observer.verified(principal.kind === 'anonymous' ? 'missing' : 'accepted');
    return principal;
  };
  const failed = (error: unknown): never => {
    observer.verified(verificationOf(error));
    throw error;
  };
  let found;
  try {
    found = verify();
  } catch (error) {
    return failed(error);
  }
  return found instanceof Promise ? found.then(ended, failed) : ended(found);
}

function verificationOf(error: unknown): Verification {
  if (!(error instanceof Refusal)) return 'unavailable';
  const { details } = error;
  if (details.code === 'UNAUTHENTICATED') return details.reason;
  if (details.code === 'BAD_REQUEST') return 'malformed';
  return details.code === 'RATE_LIMITED' ? 'limited' : 'unavailable';
}
