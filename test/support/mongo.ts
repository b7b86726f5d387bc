import mongoose from 'mongoose';
import { unique } from '../core/store/fixtures.js';

const { MONGODB_URI } = process.env;

/** Returns the address of the server with a new database. */
export function freshUri(): string {
  if (MONGODB_URI === undefined) throw new Error('These tests need a MongoDB: set MONGODB_URI.');
  const uri = new URL(MONGODB_URI);
  uri.pathname = `/${unique('latchkey_test')}`;
  return uri.href;
}

/** Drops a database. */
export async function drop(uri: string): Promise<void> {
  const connection = await mongoose.createConnection(uri).asPromise();
  await connection.dropDatabase();
  await connection.close();
}
