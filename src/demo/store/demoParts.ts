import type { StoreExtension } from '../../core/store/extension.js';
import type { DemoStore } from './demoStore.js';
import { SQLITE_PARTS } from './sqlite/sqliteParts.js';

/** Adds the built-in domain to a store. */
export const DEMO_PARTS: StoreExtension<DemoStore> = {
  sqlite: SQLITE_PARTS,
  mongo: async () => (await import('./mongo/mongoParts.js')).MONGO_PARTS,
};
