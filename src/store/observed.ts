import { performance } from 'node:perf_hooks';
import { UNOBSERVED, type Observer, type StoreOutcome } from '../metrics/observer.js';
import { Duplicate, StoreUnavailable } from './errors.js';
import type { Store } from './store.js';

type Operation = (...given: unknown[]) => Promise<unknown>;

/**
 * The store, with the time and the end of each operation told to the observer under its name in the interface, as in
 * `keys.find`. The store itself where nobody observes.
 */
export function observedStore(store: Store, observer: Observer): Store {
  if (observer === UNOBSERVED) return store;
  const parts = new Map<PropertyKey, object>();
  return observedPart(store, '', observer, (name, part) => {
    let seen = parts.get(name);
    if (seen === undefined) parts.set(name, (seen = observedPart(part, `${name}.`, observer)));
    return seen;
  });
}

/** Wrapped at first use, so that an engine may be an instance of a class and an interface may grow. */
function observedPart<T extends object>(
  part: T,
  prefix: string,
  observer: Observer,
  within: (name: string, value: object) => unknown = (_, value) => value,
): T {
  const wrapped = new Map<PropertyKey, { readonly plain: object; readonly timed: Operation }>();
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof name === 'symbol') return value;
      if (typeof value === 'object' && value !== null) return within(name, value);
      if (typeof value !== 'function') return value;
      let known = wrapped.get(name);
      if (known?.plain !== value) {
        known = { plain: value, timed: timed(prefix + name, value.bind(target) as Operation, observer) };
        wrapped.set(name, known);
      }
      return known.timed;
    },
  });
}

function timed(name: string, operation: Operation, observer: Observer): Operation {
  return async (...given) => {
    const began = performance.now();
    let outcome: StoreOutcome = 'ok';
    try {
      return await operation(...given);
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      observer.storeAnswered(name, performance.now() - began, outcome);
    }
  };
}

function outcomeOf(error: unknown): StoreOutcome {
  if (error instanceof StoreUnavailable) return 'unavailable';
  return error instanceof Duplicate ? 'duplicate' : 'error';
}
