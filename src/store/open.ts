import type { Settings } from '../settings/settings.js';
import { openSqliteStore } from './sqlite/open.js';
import type { Store } from './store.js';

/**
 * The store that the settings name. Mongoose is loaded only where it is used: it would cost the embedded start a good
 * part of its time.
 * @throws Error that says what cannot be used or reached
 */
export async function openStore({ mongodbUri, dataDir }: Pick<Settings, 'mongodbUri' | 'dataDir'>): Promise<Store> {
  if (mongodbUri === null) return openSqliteStore({ dir: dataDir });
  const { openMongoStore } = await import('./mongo/open.js');
  return openMongoStore({ uri: mongodbUri });
}
