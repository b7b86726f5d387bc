import type { Schema } from 'mongoose';
import type { Documents } from './documents.js';
import type { UniqueNames } from './driverErrors.js';

/** An index of existing documents is built in one round trip, which may take this long, in ms. */
export const INDEX_TIMEOUT = 60_000;

/** Returns a collection on the connection of a store. @param name of the model @param unique names of the unique values, by index */
export type Collections = <T extends object>(name: string, schema: Schema, unique: UniqueNames) => Documents<T>;

/** Further parts of a store, with their own collections in its database. */
export interface MongoExtension<Parts extends object> {
  /** Builds missing indexes, and returns the operations. Called at each start. */
  open(collection: Collections): Promise<Parts>;
}
