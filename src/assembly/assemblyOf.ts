import { isPromise, optionError } from '../shared/optionChecks.js';
import type { Assembly } from './assembly.js';
import type { Latchkey } from './libraryApi.js';

const assemblies = new WeakMap<object, Assembly>();

/** Stores the assembly behind the object that `createLatchkey` returns. */
export function rememberAssembly(latchkey: Latchkey, assembly: Assembly): void {
  assemblies.set(latchkey, assembly);
}

/**
 * Returns the assembly of a Latchkey that was passed to a function of the library.
 *
 * @param what the function
 * @throws TypeError for anything else, such as a promise of a Latchkey
 */
export function assemblyOf(what: string, latchkey: Latchkey): Assembly {
  const given: unknown = latchkey;
  const found = typeof given === 'object' && given !== null && !isPromise(given) ? assemblies.get(given) : undefined;
  if (found !== undefined) return found;
  throw optionError(`${what}: latchkey`, given, 'the result of await createLatchkey({ … })');
}
