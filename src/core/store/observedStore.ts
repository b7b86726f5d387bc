import { performance } from 'node:perf_hooks';
import { UNOBSERVED, type Observer, type StoreOutcome } from '../observer/observer.js';
import { aroundStore } from './around.js';
import { Duplicate, NotWritten, StoreUnavailable } from './storeErrors.js';
import type { Store } from './store.js';

/**
 * Returns a store that reports the time and outcome of each operation to the observer, under its name in the interface,
 * such as `keys.find`. Returns the store itself if there is no observer.
 */
export function observedStore<Extended extends Store>(store: Extended, observer: Observer): Extended {
  if (observer === UNOBSERVED) return store;
  return aroundStore(store, (name, operation) => timed(name, operation, observer));
}

async function timed<T>(name: string, operation: () => Promise<T>, observer: Observer): Promise<T> {
  const began = performance.now();
  let outcome: StoreOutcome = 'ok';
  try {
    return await operation();
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    observer.storeAnswered(name, performance.now() - began, outcome);
  }
}

function outcomeOf(error: unknown): StoreOutcome {
  if (error instanceof NotWritten) return 'not_written';
  if (error instanceof StoreUnavailable) return 'unavailable';
  return error instanceof Duplicate ? 'duplicate' : 'error';
}
