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
  const settle = (result: Judged, address: string | null): Judged => {
    if (result instanceof Refused) count(result, address, refusals);
    return result;
  };
  const failed = (error: unknown, address: string | null): never => {
    if (error instanceof Refusal) count(error, address, refusals);
    throw error;
  };
  const late = (found: Promise<Judged>, address: string | null): Promise<Judged> =>
    found.then(
      (result) => settle(result, address),
      (error: unknown) => failed(error, address),
    );
  // Without a function for each request.
  const judge = (credential: string, address: string | null = null): Judged | Promise<Judged> => {
    try {
      const found = authenticator.judge(credential, address);
      return found instanceof Promise ? late(found, address) : settle(found, address);
    } catch (error) {
      return failed(error, address);
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
