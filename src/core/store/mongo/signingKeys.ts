import { Schema } from 'mongoose';
import type { SigningKeyRecord } from '../records.js';
import type { SigningKeyStore } from '../store.js';
import { Duplicate } from '../storeErrors.js';
import { eq, where, type Documents } from './documents.js';
import { OPTIONS } from './schemas.js';

export const SIGNING_KEY_UNIQUE = { _id: 'signingKey.id' };

export interface SigningKeyDocument extends Omit<SigningKeyRecord, 'id'> {
  readonly _id: string;
}

export const signingKeySchema: Schema = new Schema(
  { _id: String, publicKey: String, createdAt: Number, endsAt: Number },
  { ...OPTIONS, collection: 'latchkey_signing_keys' },
).index({ endsAt: 1, _id: 1 });

export function openSigningKeys(keys: Documents<SigningKeyDocument>): SigningKeyStore {
  return {
    async publish({ id: _id, publicKey, createdAt, endsAt }, now) {
      try {
        await keys.insert({ _id, publicKey, createdAt, endsAt });
      } catch (error) {
        if (!(error instanceof Duplicate)) throw error;
        await keys.update({ _id: eq(_id) }, { $set: { endsAt } });
      }
      await keys.removeMany({ endsAt: where({ $lte: now }) });
    },
    async find(id) {
      const document = await keys.findOne({ _id: eq(id) });
      return document && toRecord(document);
    },
    async list(now, first) {
      const selection = { sort: { endsAt: -1, _id: -1 }, limit: first } as const;
      return (await keys.find({ endsAt: where({ $gt: now }) }, selection)).map(toRecord);
    },
  };
}

function toRecord({ _id: id, publicKey, createdAt, endsAt }: SigningKeyDocument): SigningKeyRecord {
  return { id, publicKey, createdAt, endsAt };
}
