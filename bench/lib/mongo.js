import mongoose from 'mongoose';
import { randomBytes } from 'node:crypto';
import { atEnd } from './atEnd.js';

/**
 * Returns the address of a new database on the server of MONGODB_URI, which is dropped at the end.
 *
 * @param {string} uri
 */
export function temporaryDatabase(uri) {
  const url = new URL(uri);
  url.pathname = `/bench_${randomBytes(6).toString('hex')}`;
  atEnd(async () => {
    const connection = await mongoose.createConnection(url.href).asPromise();
    await connection.dropDatabase();
    await connection.close();
  });
  return url.href;
}
