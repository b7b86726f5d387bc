import { openSqliteStore } from './sqlite/open.js';
import type { Store } from './store.js';

/** Where keys are kept: in MongoDB, or, where no address is given, in SQLite in a directory. */
export interface StoreAddress {
  readonly mongodbUri: string | null;
  readonly dataDir: string;
}

/**
 * The store that the settings name. Mongoose is loaded only where it is used: it would cost the embedded start a good
 * part of its time.
 * @throws Error that says what cannot be used or reached
 */
export async function openStore({ mongodbUri, dataDir }: StoreAddress): Promise<Store> {
  if (mongodbUri === null) return openSqliteStore({ dir: dataDir });
  const { openMongoStore } = await import('./mongo/open.js');
  return openMongoStore({ uri: mongodbUri });
}
