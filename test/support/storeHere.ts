import { openStore } from '../../src/core/store/open.js';
import type { Store } from '../../src/core/store/store.js';
import { openTarget } from '../core/store/target.js';

/**
 * Opens a SQLite store on one connection in this thread, for tests of code above the store. The threads of a store take 60 ms of CPU
 * time to start. Tests of the store and of the service use them.
 */
export function openStoreHere(dir: string): Promise<Store> {
  return openTarget({ engine: 'sqlite', dir, inThisThread: true });
}

/** Works like the `openStore` of a service, with SQLite in this thread. */
export const openServiceStoreHere: typeof openStore = async <Parts extends object>(
  ...[address, options]: Parameters<typeof openStore<Parts>>
): Promise<Store & Parts> => {
  if (address.mongodbUri !== null) return openServiceStore<Parts>(address, options);
  const demo = options?.extension === undefined ? {} : ({ withDemo: true } as const);
  return (await openTarget({ engine: 'sqlite', dir: address.dataDir, inThisThread: true, ...demo })) as Store & Parts;
};

/** Works like the `openStore` of a service, with a timeout that MongoDB meets on a busy machine, too. */
export const openServiceStore: typeof openStore = async <Parts extends object>(
  ...[address, options]: Parameters<typeof openStore<Parts>>
): Promise<Store & Parts> => {
  if (address.mongodbUri === null) return openStore<Parts>(address, options);
  const demo = options?.extension === undefined ? {} : ({ withDemo: true } as const);
  return (await openTarget({ engine: 'mongo', uri: address.mongodbUri, ...demo })) as Store & Parts;
};
