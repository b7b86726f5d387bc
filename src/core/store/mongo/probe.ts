import { randomUUID } from 'node:crypto';
import { Schema } from 'mongoose';
import { NotWritten, StoreUnavailable } from '../storeErrors.js';
import type { Documents } from './documents.js';
import { refusedWrite } from './refusedWrites.js';
import { OPTIONS } from './schemas.js';

/** A document that is written only to find out whether the server accepts changes again. */
export interface ProbeDocument {
  readonly _id: string;
}

export const probeSchema: Schema = new Schema({ _id: String }, { ...OPTIONS, collection: 'latchkey_probes' });

/**
 * Inserts and removes a document. An insert, because a server on its storage quota may still allow deletions.
 *
 * @throws NotWritten if the server refuses changes
 */
export async function tryChange(probes: Documents<ProbeDocument>): Promise<void> {
  try {
    await probes.insert({ _id: randomUUID() });
  } catch (error) {
    const refused = error instanceof StoreUnavailable ? refusedWrite(error.cause) : null;
    throw refused === null ? error : new NotWritten(error, refused.reason, refused.remedy);
  }
  // Removes all of them, because a process may have ended in between. Leftovers are removed the next time.
  await probes.removeMany({}).catch(() => undefined);
}
