import type { Store } from '../../src/core/store/store.js';
import { openTarget } from '../core/store/target.js';

/**
 * Opens a SQLite store on one connection in this thread, for tests of code above the store. The threads of a store take 60 ms of CPU
 * time to start. Tests of the store and of the service use them.
 */
export function openStoreHere(dir: string): Promise<Store> {
  return openTarget({ engine: 'sqlite', dir, inThisThread: true });
}
