import type { Authenticator } from '../../core/auth/authenticator.js';
import { OutsideAddress } from '../../core/auth/outsideAddress.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { Refusals } from './refusals.js';

/** Wraps the authenticator to count its refusals. A known key still needs no promise. */
export function watched(
  authenticator: Pick<Authenticator, 'authenticate'>,
  refusals: Pick<Refusals, 'key' | 'credential'>,
): Pick<Authenticator, 'authenticate'> {
  const refused = (error: unknown, address: string | null): never => {
    count(error, address, refusals);
    throw error;
  };
  return {
    authenticate(credential, address = null) {
      try {
        const found = authenticator.authenticate(credential, address);
        return found instanceof Promise ? found.catch((error: unknown) => refused(error, address)) : found;
      } catch (error) {
        return refused(error, address);
      }
    },
  };
}

/** Counts a refusal. Other errors, such as an unavailable store, are not counted. */
function count(error: unknown, address: string | null, refusals: Pick<Refusals, 'key' | 'credential'>): void {
  if (!(error instanceof Refusal)) return;
  const { details } = error;
  if (error instanceof OutsideAddress) refusals.key(error.principal, 'address');
  else if (details.code === 'UNAUTHENTICATED' && details.reason !== 'missing')
    refusals.credential(details.reason, address);
  else if (details.code === 'RATE_LIMITED') refusals.credential('limited', address);
}
