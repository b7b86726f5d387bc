import { KEY } from '../keyFields.js';
import type { KeyRecord } from '../records.js';
import type { Connection } from './connection.js';
import { addKeyColumns, KEY_COLUMNS } from './keyColumns.js';
import { normaliseNames } from './normaliseNames.js';

/** Takes the number of a migration of the built-in domain, which now has its own (src/demo/store/sqlite/tables.ts). */
const DOMAIN = '';

/** A trigger that counts changes of rows. */
const counting = (name: string, change: string): string =>
  `CREATE TRIGGER IF NOT EXISTS ${name} AFTER ${change} BEGIN UPDATE changes SET number = number + 1; END;`;

/**
 * Each entry migrates the schema from one version to the next. The file stores the version as user_version. Released
 * entries are never edited. Columns have the names of the records' fields, so that a row is nearly a record. For new fields
 * of keys, add the entry KEY_COLUMNS.
 */
const MIGRATED = [
  `
  CREATE TABLE workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    tier TEXT NOT NULL,
    createdAt INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX workspacesByAge ON workspaces (createdAt, id);

  CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    workspaceId TEXT NOT NULL REFERENCES workspaces (id),
    familyId TEXT NOT NULL,
    lookupId TEXT NOT NULL UNIQUE,
    tokenPrefix TEXT NOT NULL,
    secretHash TEXT NOT NULL,
    digest TEXT,
    name TEXT NOT NULL,
    nameFolded TEXT NOT NULL,
    type TEXT NOT NULL,
    environment TEXT NOT NULL,
    scopes TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    createdBy TEXT,
    expiresAt INTEGER,
    lifetime INTEGER,
    revokedAt INTEGER,
    revokedReason TEXT,
    lastUsedAt INTEGER,
    replaces TEXT,
    replacedBy TEXT
  ) STRICT;
  CREATE INDEX keysByAge ON keys (workspaceId, createdAt, id);
  CREATE INDEX keysUnrevoked ON keys (workspaceId, familyId, expiresAt) WHERE revokedAt IS NULL;
  `,
  `
  CREATE TABLE usage (
    keyId TEXT NOT NULL,
    start INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    limited INTEGER NOT NULL,
    forbidden INTEGER NOT NULL,
    PRIMARY KEY (keyId, start)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usageByAge ON usage (start);
  `,
  `
  CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    workspaceId TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    UNIQUE (workspaceId, name)
  ) STRICT;
  CREATE INDEX projectsByAge ON projects (workspaceId, createdAt, id);

  CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    workspaceId TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    removedAt INTEGER
  ) STRICT;
  CREATE INDEX usersByAge ON users (workspaceId, createdAt, id) WHERE removedAt IS NULL;

  ALTER TABLE keys ADD COLUMN projectId TEXT REFERENCES projects (id);
  ALTER TABLE keys ADD COLUMN userId TEXT REFERENCES users (id);
  ALTER TABLE keys ADD COLUMN allowedAddresses TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE keys ADD COLUMN trustedDocuments TEXT;

  -- No reference to the workspace, so that nothing but its own chain says what an entry may be.
  CREATE TABLE audit (
    workspaceId TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    projectId TEXT,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    actorKind TEXT NOT NULL,
    actor TEXT,
    address TEXT,
    userAgent TEXT,
    before TEXT,
    after TEXT,
    previousHash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (workspaceId, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX auditBySubject ON audit (workspaceId, subject, seq);

  CREATE TABLE auditHeads (
    workspaceId TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  `,
  DOMAIN,
  DOMAIN,
  // Earlier releases only stored hours, and their requests contained the cost.
  `
  ALTER TABLE usage RENAME TO usageByHour;
  CREATE TABLE usage (
    keyId TEXT NOT NULL,
    period TEXT NOT NULL,
    start INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    limited INTEGER NOT NULL,
    forbidden INTEGER NOT NULL,
    PRIMARY KEY (keyId, period, start)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO usage SELECT keyId, 'HOUR', start, requests, requests, limited, forbidden FROM usageByHour;
  INSERT INTO usage SELECT keyId, 'DAY', start / 86400000 * 86400000, sum(requests), sum(requests), sum(limited),
    sum(forbidden) FROM usageByHour GROUP BY keyId, start / 86400000;
  DROP TABLE usageByHour;
  CREATE INDEX usageByAge ON usage (period, start);

  CREATE TABLE usedFields (
    keyId TEXT NOT NULL,
    start INTEGER NOT NULL,
    coordinate TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (keyId, start, coordinate)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usedFieldsByAge ON usedFields (start);
  `,
  // Names were stored as entered, and only folded to lower case.
  normaliseNames,
  // Keys that only administer have separate places (core/store/places.ts).
  `
  ALTER TABLE keys ADD COLUMN administers INTEGER NOT NULL DEFAULT 0;
  UPDATE keys SET administers = json_array_length(scopes) > 0
    AND NOT EXISTS (SELECT 1 FROM json_each(scopes) WHERE value NOT IN ('admin', 'platform'));
  DROP INDEX keysUnrevoked;
  CREATE INDEX keysUnrevoked ON keys (workspaceId, familyId, administers, expiresAt) WHERE revokedAt IS NULL;
  `,
  // An index for each order of the list of keys, and for the prefixes of imported keys.
  `
  CREATE INDEX IF NOT EXISTS keysByName ON keys (workspaceId, nameFolded, id);
  CREATE INDEX IF NOT EXISTS keysByUse ON keys (workspaceId, lastUsedAt, id);
  CREATE INDEX IF NOT EXISTS keysByEnd ON keys (workspaceId, expiresAt, id);
  CREATE INDEX IF NOT EXISTS keysByPrefix ON keys (tokenPrefix, workspaceId, lookupId);
  `,
  // Whether the file needs its write-ahead log (checkpoints.ts).
  `
  CREATE TABLE IF NOT EXISTS recovery (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    walNeeded INTEGER NOT NULL,
    probe BLOB
  ) STRICT;
  INSERT OR IGNORE INTO recovery VALUES (1, 0, NULL);
  `,
  // An index for each filter of the lists of keys and of the audit log, including the other filtered columns; and
  // stored counts.
  `
  DROP INDEX IF EXISTS keysByAge;
  CREATE INDEX IF NOT EXISTS keysByAge ON keys (workspaceId, createdAt, id, type, environment, revokedAt, expiresAt, nameFolded);
  CREATE INDEX IF NOT EXISTS keysByUser ON keys (workspaceId, userId, createdAt, id) WHERE userId IS NOT NULL;
  CREATE INDEX IF NOT EXISTS keysByProject ON keys (workspaceId, projectId, createdAt, id) WHERE projectId IS NOT NULL;
  CREATE INDEX IF NOT EXISTS keysLiving ON keys (workspaceId, expiresAt, familyId, administers) WHERE revokedAt IS NULL;

  CREATE TABLE IF NOT EXISTS keyCounts (
    workspaceId TEXT NOT NULL PRIMARY KEY,
    total INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT OR REPLACE INTO keyCounts SELECT workspaceId, count(*) FROM keys GROUP BY workspaceId;
  CREATE TRIGGER IF NOT EXISTS keyCounted AFTER INSERT ON keys BEGIN
    INSERT INTO keyCounts VALUES (new.workspaceId, 1) ON CONFLICT (workspaceId) DO UPDATE SET total = total + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS keyDiscounted AFTER DELETE ON keys BEGIN
    UPDATE keyCounts SET total = total - 1 WHERE workspaceId = old.workspaceId;
  END;

  DROP INDEX IF EXISTS auditBySubject;
  CREATE INDEX IF NOT EXISTS auditBySubject ON audit (workspaceId, subject, action, seq);
  CREATE INDEX IF NOT EXISTS auditByActor ON audit (workspaceId, actor, action, seq) WHERE actor IS NOT NULL;
  CREATE INDEX IF NOT EXISTS auditByProject ON audit (workspaceId, projectId, action, seq) WHERE projectId IS NOT NULL;
  CREATE INDEX IF NOT EXISTS auditByAction ON audit (workspaceId, action, seq);
  CREATE INDEX IF NOT EXISTS auditByTime ON audit (workspaceId, at, seq);
  `,
  // The number of processes that have the file open, or crashed while they had (uncleanStop.ts).
  `
  CREATE TABLE IF NOT EXISTS openers (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO openers VALUES (1, 0);
  `,
  // Where each log begins after its oldest entries were archived (archive.ts).
  `
  CREATE TABLE IF NOT EXISTS auditBases (
    workspaceId TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  `,
  DOMAIN,
  // Trusted documents in a separate table (keyRows.ts). Emptied first, so that the column is dropped from short rows.
  `
  CREATE TABLE keyDocuments (
    keyId TEXT NOT NULL PRIMARY KEY,
    documents TEXT NOT NULL
  ) STRICT;
  INSERT INTO keyDocuments SELECT id, trustedDocuments FROM keys WHERE trustedDocuments IS NOT NULL;
  UPDATE keys SET trustedDocuments = NULL WHERE trustedDocuments IS NOT NULL;
  ALTER TABLE keys DROP COLUMN trustedDocuments;
  `,
  // Finds keys by when they ended, and reserves the IDs of removed keys (keyRemoval.ts).
  `
  CREATE INDEX keysRevoked ON keys (revokedAt) WHERE revokedAt IS NOT NULL;
  CREATE INDEX keysExpiring ON keys (expiresAt) WHERE revokedAt IS NULL AND expiresAt IS NOT NULL;
  CREATE TABLE removedKeys (
    id TEXT NOT NULL PRIMARY KEY,
    lookupId TEXT NOT NULL UNIQUE
  ) STRICT, WITHOUT ROWID;
  `,
  // Names were stored with variation selectors that change nothing, and folded with other characters that are drawn as nothing.
  normaliseNames,
  `
  CREATE TABLE IF NOT EXISTS signingKeys (
    id TEXT NOT NULL PRIMARY KEY,
    publicKey TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    endsAt INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS signingKeysByEnd ON signingKeys (endsAt, id);
  `,
  // The scopes of the schemas that processes guard.
  `
  CREATE TABLE IF NOT EXISTS guardedSchemas (
    id TEXT NOT NULL PRIMARY KEY,
    scopes TEXT NOT NULL,
    host TEXT NOT NULL,
    publishedAt INTEGER NOT NULL,
    endsAt INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS guardedSchemasByEnd ON guardedSchemas (endsAt, id);
  `,
  // Counters of quotas, and balances.
  `
  CREATE TABLE IF NOT EXISTS quotaCounters (
    id TEXT NOT NULL PRIMARY KEY,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    told INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS quotaCountersByEnd ON quotaCounters ("end");
  CREATE TABLE IF NOT EXISTS credits (
    id TEXT NOT NULL PRIMARY KEY,
    workspaceId TEXT NOT NULL,
    balance INTEGER NOT NULL CHECK (balance >= 0),
    refilledAt INTEGER NOT NULL,
    refilledBefore INTEGER NOT NULL,
    raised INTEGER NOT NULL,
    additions TEXT NOT NULL
  ) STRICT;
  `,
  KEY_COLUMNS,
  // Limits of single subjects, and the owners of keys in systems of the operator.
  `
  ALTER TABLE users ADD COLUMN externalId TEXT;
  CREATE INDEX IF NOT EXISTS keysByExternalId ON keys (workspaceId, externalId, createdAt, id) WHERE externalId IS NOT NULL;
  CREATE TABLE IF NOT EXISTS limitOverrides (
    workspaceId TEXT NOT NULL,
    kind TEXT NOT NULL,
    subjectId TEXT NOT NULL,
    rate INTEGER,
    burst INTEGER,
    quotas TEXT,
    until INTEGER,
    reason TEXT,
    setBy TEXT,
    setAt INTEGER NOT NULL,
    PRIMARY KEY (workspaceId, kind, subjectId)
  ) STRICT, WITHOUT ROWID;
  `,
  // The usage report (usageReport.ts), and the batches of usage that were added.
  `
  CREATE TABLE IF NOT EXISTS usageReport (
    workspaceId TEXT NOT NULL,
    period TEXT NOT NULL,
    dimension TEXT NOT NULL,
    start INTEGER NOT NULL,
    value TEXT NOT NULL,
    projectId TEXT NOT NULL,
    requests INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    queryCost INTEGER NOT NULL,
    limited INTEGER NOT NULL,
    forbidden INTEGER NOT NULL,
    PRIMARY KEY (workspaceId, period, dimension, start, value, projectId)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS usageReportByAge ON usageReport (period, start);
  CREATE TABLE IF NOT EXISTS usageBatches (
    id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS usageBatchesByAge ON usageBatches (at);
  `,
  // The number of changes to what keys may do (Store.version). A key that doesn't exist yet has no cached record.
  `
  CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO changes VALUES (1, 0);
  ${counting('keyUpdated', 'UPDATE ON keys WHEN new.lastUsedAt IS old.lastUsedAt')}
  ${counting('keyDeleted', 'DELETE ON keys')}
  ${counting('userUpdated', 'UPDATE ON users')}
  ${counting('userDeleted', 'DELETE ON users')}
  ${counting('workspaceUpdated', 'UPDATE ON workspaces')}
  ${counting('workspaceDeleted', 'DELETE ON workspaces')}
  ${counting('overrideInserted', 'INSERT ON limitOverrides')}
  ${counting('overrideUpdated', 'UPDATE ON limitOverrides')}
  ${counting('overrideDeleted', 'DELETE ON limitOverrides')}
  `,
] as const satisfies readonly Migration[];

type Migration = string | typeof KEY_COLUMNS | ((connection: Connection) => void);

/** The versions that add columns of keys: 1 and 3, whose texts create them, and those whose entry is KEY_COLUMNS. */
type Adding<Items extends readonly unknown[]> = Items extends readonly [...infer Before, infer Last]
  ? Adding<Before> | (Last extends typeof KEY_COLUMNS ? Items['length'] : never)
  : 1 | 3;

KEY satisfies Record<keyof KeyRecord, { readonly since: Adding<typeof MIGRATED> }>;

export const MIGRATIONS: readonly Migration[] = MIGRATED;

/**
 * Updates the schema, once, even if several processes start at the same time.
 *
 * @throws Error if a later release wrote the file
 */
export function migrate(connection: Connection): void {
  // First checked without the lock: most starts change nothing, and should not wait for a writer.
  if (schemaVersion(connection) === MIGRATIONS.length) return;
  connection.transaction(() => {
    const from = schemaVersion(connection);
    MIGRATIONS.forEach((migration, i) => {
      if (i < from) return;
      if (typeof migration === 'string') connection.exec(migration);
      else if (migration === KEY_COLUMNS) addKeyColumns(connection, i + 1);
      // A new file has no rows to convert.
      else if (from > 0) migration(connection);
    });
    connection.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

function schemaVersion(connection: Connection): number {
  const version = Number(connection.pragma('user_version'));
  if (version > MIGRATIONS.length) {
    throw new Error(
      `it has schema version ${version}, but this release knows versions up to ${MIGRATIONS.length}. Start the release that wrote it, or a later one`,
    );
  }
  return version;
}
