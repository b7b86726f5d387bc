import type { Latchkey } from '../assembly/libraryApi.js';
import { RequestGuard } from '../core/guard/request/requestGuard.js';
import { isPromise, optionError } from '../shared/optionChecks.js';

/**
 * Returns the guard of a Latchkey that was passed to an adapter.
 *
 * @param what the adapter's function
 * @throws TypeError for anything else, such as a promise of a Latchkey
 */
export function requestsOf(what: string, latchkey: Pick<Latchkey, 'requests'>): RequestGuard {
  const given: unknown = latchkey;
  const requests = (given as Partial<Latchkey> | null | undefined)?.requests;
  if (!isPromise(given) && requests instanceof RequestGuard) return requests;
  throw optionError(`${what}: latchkey`, given, 'the result of await createLatchkey({ … })');
}
