import type { Authenticator, Judged } from '../../core/auth/authenticator.js';
import { OutsideAddress } from '../../core/auth/outsideAddress.js';
import { Refusal } from '../../core/errors/refusal.js';
import { orThrow, Refused } from '../../core/errors/refusalValue.js';
import type { Refusals } from './refusals.js';

type Watched = Pick<Authenticator, 'authenticate' | 'judge'>;

/** Wraps the authenticator to count its refusals. A known key still needs no promise. */
export function watched(
  authenticator: Pick<Authenticator, 'judge'>,
  refusals: Pick<Refusals, 'key' | 'credential'>,
): Watched {
  const judge = (credential: string, address: string | null = null): Judged | Promise<Judged> => {
    const settle = (result: Judged): Judged => {
      if (result instanceof Refused) count(result, address, refusals);
      return result;
    };
    const failed = (error: unknown): never => {
      if (error instanceof Refusal) count(error, address, refusals);
      throw error;
    };
    try {
      const found = authenticator.judge(credential, address);
      return found instanceof Promise ? found.then(settle, failed) : settle(found);
    } catch (error) {
      return failed(error);
    }
  };
  return {
    judge,
    authenticate(credential, address) {
      const found = judge(credential, address);
      return found instanceof Promise ? found.then(orThrow) : orThrow(found);
    },
  };
}

/** Counts a refusal. Other errors, such as an unavailable store, are not counted. */
function count(
  refused: Refusal | Refused,
  address: string | null,
  refusals: Pick<Refusals, 'key' | 'credential'>,
): void {
  const { details } = refused;
  if (refused instanceof OutsideAddress) refusals.key(refused.principal, 'address');
  else if (details.code === 'UNAUTHENTICATED' && details.reason !== 'missing')
    refusals.credential(details.reason, address);
  else if (details.code === 'RATE_LIMITED') refusals.credential('limited', address);
}
