import Database from 'libsql';
import mongoose from 'mongoose';
import { join } from 'node:path';
import { DEFAULT_WORKSPACE_ID } from '../../build/core/auth/operator.js';
import { KEY_FIELDS } from '../../build/core/store/fields.js';
import { toDocument } from '../../build/core/store/mongo/intents.js';
import { unlimitedSlot } from '../../build/core/store/mongo/places.js';
import { openStore } from '../../build/core/store/open.js';
import { mint } from './keys.js';
import { temporaryDatabase } from './mongo.js';
import { temporaryDirectory } from './temporary.js';

/** Number of keys whose tokens are kept, evenly distributed over the order of storing. */
const SAMPLE = 10_000;
const BATCH = 10_000;

/** @typedef {{ address: { dataDir: string, mongodbUri: string | null }, tokens: string[] }} FilledStore */

/** @type {Map<string, Promise<FilledStore>>} */
const filled = new Map();

/**
 * Returns a store with this number of keys, created once in a run: a million takes a minute or two.
 *
 * @param {number} count
 * @param {string | null} mongodbUri null: SQLite
 * @returns {Promise<FilledStore>}
 */
export function filledStore(count, mongodbUri = null) {
  const name = `${mongodbUri === null ? 'SQLite' : 'MongoDB'} ${count}`;
  let store = filled.get(name);
  if (store === undefined) filled.set(name, (store = fill(count, mongodbUri)));
  return store;
}

async function fill(count, mongodbUri) {
  const address = {
    dataDir: temporaryDirectory(),
    mongodbUri: mongodbUri === null ? null : temporaryDatabase(mongodbUri),
  };
  const store = await openStore(address);
  const workspace = { id: DEFAULT_WORKSPACE_ID, name: 'measured', tier: 'ENTERPRISE', createdAt: Date.now() };
  await store.workspaces.ensure(workspace);
  await store.close();
  const tokens = mongodbUri === null ? fillSqlite(address.dataDir, count) : await fillMongo(address.mongodbUri, count);
  return { address, tokens };
}

/** Writes rows in the store's format, in one transaction and without waiting for the disk. */
function fillSqlite(dataDir, count) {
  const db = new Database(join(dataDir, 'latchkey.db'));
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -500000');
  const columns = [...KEY_FIELDS, 'nameFolded'];
  const insert = db.prepare(
    `INSERT INTO keys (${columns.join(', ')}) VALUES (${columns.map((column) => `$${column}`).join(', ')})`,
  );
  db.exec('BEGIN');
  const tokens = mintMany(count, (key) =>
    insert.run({ ...key, scopes: JSON.stringify(key.scopes), allowedAddresses: '[]', nameFolded: key.name }),
  );
  db.exec('COMMIT');
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  return tokens;
}

/** Writes documents in the store's format. */
async function fillMongo(uri, count) {
  const connection = await mongoose.createConnection(uri).asPromise();
  const keys = connection.db.collection('latchkey_keys');
  const tokens = [];
  for (let done = 0; done < count; done += BATCH) {
    const documents = [];
    const part = Math.min(BATCH, count - done);
    tokens.push(...mintMany(part, (key) => documents.push(toDocument(key, unlimitedSlot())), count));
    await keys.insertMany(documents, { ordered: false });
  }
  await connection.close();
  return tokens;
}

/** @returns {string[]} tokens of the sample */
function mintMany(count, store, outOf = count) {
  const step = Math.max(1, Math.floor(outOf / SAMPLE));
  const tokens = [];
  for (let i = 0; i < count; i += 1) {
    const { key, token } = mint();
    store(key);
    if (i % step === 0) tokens.push(token);
  }
  return tokens;
}
