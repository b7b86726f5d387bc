import { aroundStore } from './around.js';
import { Breaker, type BreakerOptions } from './breaker.js';
import type { Store } from './store.js';

export interface BreakingStore {
  readonly store: Store;
  readonly breaker: Pick<Breaker, 'state'>;
}

const breaking = new WeakSet<Store>();

/**
 * Puts a {@link Breaker} around all operations of a store. While the store has a problem, `ping` uses the breaker's
 * state.
 */
export function breakingStore(store: Store, options: Omit<BreakerOptions, 'ping'> = {}): BreakingStore {
  const breaker = new Breaker({ ...options, ping: () => store.ping() });
  const broken: Store = {
    ...aroundStore(store, (_name, operation) => breaker.run(operation)),
    ping: () => breaker.check(),
    close() {
      breaker.close();
      return store.close();
    },
  };
  breaking.add(broken);
  return { store: broken, breaker };
}

/** Returns the store itself if it has a breaker, otherwise the store with one that reports nothing. */
export function withBreaker(store: Store): Store {
  return breaking.has(store) ? store : breakingStore(store).store;
}
