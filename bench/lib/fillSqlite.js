import Database from 'libsql';
import { join } from 'node:path';
import { KEY_SUMMARY_FIELDS } from '../../build/core/store/keyFields.js';
import { openStore } from '../../build/core/store/open.js';
import { toRow } from '../../build/core/store/sqlite/keyRows.js';
import { BASE, defaultWorkspace, isNumberOfUser, isOfUser, SAMPLE, USER, workspaceOf } from './filling.js';
import { mint } from './keys.js';

/** The sample is stored in as many parts, between other keys. */
const PARTS = 100;

/**
 * Fills a new SQLite store in one transaction and without waiting for the disk. Only the sample has tokens: a statement of SQL
 * stores the other keys, and all entries, at about 100,000 a second.
 *
 * @param {import('./stores.js').Address} address
 * @param {Required<import('./stores.js').Size>} size
 * @returns {Promise<string[]>} tokens of the sample
 */
export async function fillSqlite(address, size) {
  const store = await openStore(address);
  await store.workspaces.ensure(defaultWorkspace());
  await store.close();
  const db = new Database(join(address.dataDir, 'latchkey.db'));
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA temp_store = MEMORY; BEGIN');
  if (size.workspaces > 1) db.exec(workspaceRows(size.workspaces));
  const tokens = addKeys(db, size);
  if (size.entries > 0) db.exec(entryRows(size.entries));
  db.exec('COMMIT; PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  return tokens;
}

/** Numbers named i, from `from` up to `to`. */
const numbers = (from, to) =>
  `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;

function workspaceRows(count) {
  return `${numbers(1, count)} INSERT INTO workspaces (id, name, tier, createdAt)
    SELECT 'ws_' || i, 'Workspace ' || i, 'ENTERPRISE', ${BASE} + i FROM n`;
}

function addKeys(db, { keys, workspaces, scopes }) {
  const columns = [...KEY_SUMMARY_FIELDS, 'nameFolded'];
  const insert = db.prepare(
    `INSERT INTO keys (${columns.join(', ')}) VALUES (${columns.map((column) => `$${column}`).join(', ')})`,
  );
  const tokens = [];
  const sample = Math.min(SAMPLE, keys);
  let stored = 0;
  const addSample = (count) => {
    for (const end = stored + count; stored < end; stored += 1) {
      const { key, token } = mint(scopes);
      const name = `Deployment ${stored}`;
      const own = { workspaceId: workspaceOf(stored % workspaces), name, createdAt: BASE + stored };
      const row = toRow({ ...key, ...own, externalId: isNumberOfUser(stored) ? USER : null });
      insert.run({ ...row, nameFolded: name.toLowerCase() });
      tokens.push(token);
    }
  };
  const steps = Math.min(PARTS, sample);
  for (let part = 0; part < steps; part += 1) {
    addSample(Math.floor((sample * (part + 1)) / steps) - tokens.length);
    const end = Math.floor((keys * (part + 1)) / steps);
    if (end > stored) db.exec(keyRows(columns, stored, end, workspaces));
    stored = Math.max(stored, end);
  }
  return tokens;
}

/** Copies of the first key, with their own IDs, names and times. */
function keyRows(columns, from, to, workspaces) {
  const own = {
    id: `'key_' || lower(hex(randomblob(9)))`,
    familyId: `'fam_' || lower(hex(randomblob(9)))`,
    lookupId: 'hex(randomblob(8))',
    workspaceId:
      workspaces === 1 ? 't.workspaceId' : `iif(i % ${workspaces} = 0, 'default', 'ws_' || (i % ${workspaces}))`,
    name: `'Deployment ' || i`,
    nameFolded: `'deployment ' || i`,
    createdAt: `${BASE} + i`,
    externalId: `iif(${isOfUser('i')}, '${USER}', NULL)`,
  };
  return `${numbers(from, to)} INSERT INTO keys (${columns.join(', ')})
    SELECT ${columns.map((column) => own[column] ?? `t.${column}`).join(', ')}
    FROM n, (SELECT * FROM keys LIMIT 1) AS t`;
}

function entryRows(count) {
  // The workspace has an entry of its creation.
  return `DELETE FROM audit WHERE workspaceId = '${workspaceOf(0)}';
    ${numbers(1, count + 1)}
    INSERT INTO audit (workspaceId, seq, id, at, action, subject, actorKind, actor, previousHash, hash)
    SELECT '${workspaceOf(0)}', i, 'aud_' || lower(hex(randomblob(12))), ${BASE} + i, iif(i % 2 = 0, 'key.created', 'key.revoked'),
      'key_' || (i / 2), 'key', iif(${isOfUser('i')}, '${USER}', 'key_other'), printf('%064d', i - 1), printf('%064d', i) FROM n;
    INSERT OR REPLACE INTO auditHeads VALUES ('${workspaceOf(0)}', ${count}, printf('%064d', ${count}))`;
}
