import mongoose from 'mongoose';
import { openSqliteStore } from 'latchkey';
import { openMongoStore } from 'latchkey/mongo';

/** Opens the store on your own Mongoose connection, which you close yourself, or in a file. */
export async function openStore() {
  if (process.env.MONGODB_URI === undefined) return openSqliteStore({ dir: process.env.DATA_DIR ?? './data' });
  const { connection } = await mongoose.connect(process.env.MONGODB_URI);
  return openMongoStore({ connection });
}
