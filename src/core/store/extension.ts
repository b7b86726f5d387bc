import type { MongoExtension } from './mongo/extension.js';
import type { SqliteExtension } from './sqlite/extension.js';

/** Additional parts of a store with their own tables or collections, such as the parts of the built-in domain. */
export interface StoreExtension<Parts extends object> {
  readonly sqlite: SqliteExtension<Parts>;
  /** Loaded only if it is used, like the engine. */
  readonly mongo: () => Promise<MongoExtension<Parts>>;
}
