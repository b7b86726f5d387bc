import { Schema } from 'mongoose';
import type { GuardedSchemaRecord, PublishedScope } from '../records.js';
import type { GuardedSchemaStore } from '../store.js';
import { eq, where, type Documents } from './documents.js';
import { OPTIONS } from './schemas.js';

export const GUARDED_SCHEMA_UNIQUE = { _id: 'guardedSchema.id' };

/** The scopes are JSON, because they are always read together. */
export interface GuardedSchemaDocument extends Omit<GuardedSchemaRecord, 'id' | 'scopes'> {
  readonly _id: string;
  readonly scopes: string;
}

export const guardedSchemaSchema: Schema = new Schema(
  { _id: String, scopes: String, host: String, publishedAt: Number, endsAt: Number },
  { ...OPTIONS, collection: 'latchkey_guarded_schemas' },
).index({ endsAt: 1, _id: 1 });

export function openGuardedSchemas(schemas: Documents<GuardedSchemaDocument>): GuardedSchemaStore {
  return {
    async publish({ id, scopes, host, publishedAt, endsAt }, now) {
      const update = { $set: { scopes: JSON.stringify(scopes), host, publishedAt, endsAt } };
      await schemas.bulkWrite([{ updateOne: { filter: { _id: eq(id) }, update, upsert: true } }]);
      await schemas.removeMany({ endsAt: where({ $lte: now }) });
    },
    async list(now, first) {
      const selection = { sort: { endsAt: -1, _id: -1 }, limit: first } as const;
      const found = await schemas.find({ endsAt: where({ $gt: now }) }, selection);
      return found.map(({ _id: id, scopes, host, publishedAt, endsAt }) => ({
        ...{ id, host, publishedAt, endsAt },
        scopes: JSON.parse(scopes) as PublishedScope[],
      }));
    },
  };
}
