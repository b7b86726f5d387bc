import { performance } from 'node:perf_hooks';
import { UNOBSERVED, type Observer, type StoreOutcome } from '../metrics/observer.js';
import { Duplicate, StoreUnavailable } from './errors.js';
import type { Store } from './store.js';

type Operation = (...given: never[]) => Promise<unknown>;

/**
 * The store, with the time and the end of each operation told to the observer under its name in the interface, as in
 * `keys.find`. The store itself where nobody observes.
 */
export function observedStore(store: Store, observer: Observer): Store {
  if (observer === UNOBSERVED) return store;
  const parts = new Map<PropertyKey, object>();
  const ping = timed('ping', store, () => Reflect.get(store, 'ping'), observer);
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === 'ping') return ping;
      if (typeof value === 'function') return value.bind(target) as unknown;
      if (typeof value !== 'object' || value === null) return value;
      let part = parts.get(name);
      if (part === undefined) parts.set(name, (part = observedPart(String(name), value, observer)));
      return part;
    },
  });
}

/** Wrapped at first use, so that an engine may be an instance of a class and an interface may grow. */
function observedPart(partName: string, part: object, observer: Observer): object {
  const operations = new Map<PropertyKey, Operation>();
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || typeof name === 'symbol') return value;
      let operation = operations.get(name);
      if (operation === undefined) {
        const current = () => Reflect.get(target, name) as Operation;
        operations.set(name, (operation = timed(`${partName}.${name}`, target, current, observer)));
      }
      return operation;
    },
  });
}

function timed(name: string, target: object, current: () => Operation, observer: Observer): () => Promise<unknown> {
  return async (...given: never[]) => {
    const began = performance.now();
    let outcome: StoreOutcome = 'ok';
    try {
      return await current().apply(target, given);
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
