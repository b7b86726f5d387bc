import { performance } from 'node:perf_hooks';
import { UNOBSERVED, type Observer, type StoreOutcome } from '../metrics/observer.js';
import { Duplicate, NotWritten, StoreUnavailable } from './errors.js';
import type { Store } from './store.js';

type Operation = (...given: unknown[]) => Promise<unknown>;

/**
 * The store, with the time and the end of each operation told to the observer under its name in the interface, as in
 * `keys.find`. The store itself where nobody observes.
 */
export function observedStore(store: Store, observer: Observer): Store {
  if (observer === UNOBSERVED) return store;
  return {
    keys: observedPart('keys.', store.keys, observer),
    workspaces: observedPart('workspaces.', store.workspaces, observer),
    projects: observedPart('projects.', store.projects, observer),
    users: observedPart('users.', store.users, observer),
    audit: observedPart('audit.', store.audit, observer),
    usage: observedPart('usage.', store.usage, observer),
    assets: observedPart('assets.', store.assets, observer),
    events: observedPart('events.', store.events, observer),
    ping: () => timed('ping', () => store.ping(), observer),
    close: () => timed('close', () => store.close(), observer),
  };
}

/** Of a part of a store everything is an operation. */
function observedPart<T extends object>(prefix: string, part: T, observer: Observer): T {
  const plain = part as Record<string, Operation>;
  const operations: Record<string, Operation> = {};
  for (const name of Object.keys(part)) {
    operations[name] = (...given) => timed(prefix + name, async () => plain[name]?.(...given), observer);
  }
  return operations as T;
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
