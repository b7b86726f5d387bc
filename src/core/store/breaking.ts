import { aroundStore } from './around.js';
import { Breaker, type BreakerOptions } from './breaker.js';
import type { Store } from './store.js';

interface BreakingStore<Extended extends Store> {
  readonly store: Extended;
  readonly breaker: Pick<Breaker, 'state' | 'close'>;
}

const breaking = new WeakSet<Store>();

/**
 * Puts a {@link Breaker} around all operations of a store. While the store has a problem, `ping` uses the breaker's
 * state.
 */
export function breakingStore<Extended extends Store>(
  store: Extended,
  options: Omit<BreakerOptions, 'ping'> = {},
): BreakingStore<Extended> {
  const breaker = new Breaker({ ...options, ping: () => store.ping() });
  const broken: Extended = {
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

/**
 * Returns the store itself if it has a breaker, otherwise the store with one that reports nothing.
 *
 * @returns also the function that stops the breaker if it was created here
 */
export function withBreaker(store: Store): { readonly store: Store; readonly end: () => void } {
  if (breaking.has(store)) return { store, end: () => undefined };
  const { store: broken, breaker } = breakingStore(store);
  return { store: broken, end: () => breaker.close() };
}
