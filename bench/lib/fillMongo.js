import mongoose from 'mongoose';
import { chained, draftEntry } from '../../build/core/store/audit.js';
import { unlimitedSlot } from '../../build/core/store/mongo/families.js';
import { toDocument } from '../../build/core/store/mongo/intents.js';
import { toDocument as toEntry } from '../../build/core/store/mongo/ledger.js';
import { openStore } from '../../build/core/store/open.js';
import { BASE, defaultWorkspace, isNumberOfUser, SAMPLE, USER, workspaceOf } from './filling.js';
import { mint } from './keys.js';

const BATCH = 5_000;

/**
 * Fills a new database of MongoDB with documents in the store's format.
 *
 * @param {import('./stores.js').Address} address
 * @param {Required<import('./stores.js').Size>} size
 * @returns {Promise<string[]>} tokens of the sample
 */
export async function fillMongo(address, { keys, entries, workspaces, scopes }) {
  const store = await openStore(address);
  await store.workspaces.ensure(defaultWorkspace());
  await store.close();
  const connection = await mongoose.createConnection(address.mongodbUri).asPromise();
  await inBatches(connection.collection('latchkey_workspaces'), workspaces - 1, (i) => ({
    ...{ _id: workspaceOf(i + 1), name: `Workspace ${i + 1}`, tier: 'ENTERPRISE', createdAt: BASE + i },
  }));
  const tokens = [];
  const step = Math.max(1, Math.floor(keys / SAMPLE));
  await inBatches(connection.collection('latchkey_keys'), keys, (i) => {
    const { key, token } = mint(scopes);
    if (i % step === 0) tokens.push(token);
    const workspaceId = workspaceOf(i % workspaces);
    const own = { name: `Deployment ${i}`, createdAt: BASE + i, externalId: isNumberOfUser(i) ? USER : null };
    return toDocument({ ...key, workspaceId, ...own }, unlimitedSlot('keys'));
  });
  await addEntries(connection, entries);
  await connection.close();
  return tokens;
}

async function addEntries(connection, count) {
  // The workspace has an entry of its creation.
  await connection.collection('latchkey_audit').deleteMany({ workspaceId: workspaceOf(0) });
  let last = null;
  await inBatches(connection.collection('latchkey_audit'), count, (i) => {
    const author = { kind: 'key', id: isNumberOfUser(i) ? USER : 'key_other', address: null, userAgent: null };
    const entry = { workspaceId: workspaceOf(0), projectId: null, at: BASE + i, before: null, after: null };
    const action = i % 2 === 0 ? 'key.created' : 'key.revoked';
    last = chained(draftEntry({ ...entry, action, subject: `key_${Math.floor(i / 2)}` }, author), last);
    const { seq, previousHash, hash } = last;
    return { ...toEntry(last), seq, previousHash, hash };
  });
  if (last === null) return;
  const { seq, hash } = last;
  const heads = connection.collection('latchkey_audit_heads');
  await heads.updateOne({ _id: workspaceOf(0) }, { $set: { seq, hash } }, { upsert: true });
}

async function inBatches(collection, count, documentOf) {
  for (let from = 0; from < count; from += BATCH) {
    const documents = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => documentOf(from + i));
    await collection.insertMany(documents, { ordered: false });
  }
}
