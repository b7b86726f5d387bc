import type { Connection } from '../../../core/store/sqlite/connection.js';

/** A change of the tables of the built-in domain. */
interface Step {
  /** Whether the change was made, as a query that returns a row if it was. */
  readonly done: string;
  readonly sql: string;
}

const hasTable = (name: string): string => `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '${name}'`;
const hasColumn = (table: string, name: string): string =>
  `SELECT 1 FROM pragma_table_info('${table}') WHERE name = '${name}'`;

/**
 * In the order in which they were released. Released steps are never edited. The tables themselves show which steps were made: earlier
 * releases
 * numbered these steps with those of the store, and a store may have been opened without the domain since then.
 */
export const STEPS: readonly Step[] = [
  {
    done: hasTable('alerts'),
    sql: `
  CREATE TABLE assets (
    workspaceId TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    owner TEXT,
    allowedAge INTEGER,
    upstream TEXT NOT NULL,
    expectedColumns TEXT NOT NULL,
    columns TEXT NOT NULL,
    schemaVersion INTEGER NOT NULL,
    lastLoadAt INTEGER,
    lastLoadRows INTEGER,
    createdAt INTEGER NOT NULL,
    PRIMARY KEY (workspaceId, name)
  ) STRICT, WITHOUT ROWID;

  -- assets.upstream turned round, so that what lies downstream is found by index.
  CREATE TABLE downstream (
    workspaceId TEXT NOT NULL,
    upstream TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (workspaceId, upstream, name),
    FOREIGN KEY (workspaceId, name) REFERENCES assets (workspaceId, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX downstreamByName ON downstream (workspaceId, name);

  CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    workspaceId TEXT NOT NULL,
    asset TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    openedAt INTEGER NOT NULL,
    closedAt INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX alertsOpen ON alerts (workspaceId, asset, kind) WHERE closedAt IS NULL;
  `,
  },
  // Data of a workspace moves to its default project, which has the same ID.
  {
    done: hasColumn('alerts', 'projectId'),
    sql: `
  ALTER TABLE assets RENAME COLUMN workspaceId TO projectId;
  ALTER TABLE downstream RENAME COLUMN workspaceId TO projectId;
  ALTER TABLE alerts RENAME COLUMN workspaceId TO projectId;
  `,
  },
  // An index for each kind of query, so that no filter reads events that it does not match.
  {
    done: hasTable('events'),
    sql: `
  CREATE TABLE events (
    projectId TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    asset TEXT,
    at INTEGER NOT NULL,
    rows INTEGER,
    properties TEXT,
    UNIQUE (projectId, id)
  ) STRICT;
  CREATE INDEX eventsByAge ON events (projectId, at, id);
  CREATE INDEX eventsByType ON events (projectId, type, at, id);
  CREATE INDEX eventsByAsset ON events (projectId, asset, at, id) WHERE asset IS NOT NULL;
  CREATE INDEX eventsByAssetAndType ON events (projectId, asset, type, at, id) WHERE asset IS NOT NULL;
  CREATE INDEX eventsPast ON events (at);
  `,
  },
  // A separate table for the texts and columns of assets (assets.ts). Empties them first, so that dropping a column
  // rewrites only short rows.
  {
    done: hasTable('assetTexts'),
    sql: `
  CREATE TABLE assetTexts (
    projectId TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    upstream TEXT NOT NULL,
    expectedColumns TEXT NOT NULL,
    columns TEXT NOT NULL,
    PRIMARY KEY (projectId, name)
  ) STRICT;
  INSERT INTO assetTexts SELECT projectId, name, description, upstream, expectedColumns, columns FROM assets;
  UPDATE assets SET description = NULL, upstream = '', expectedColumns = '', columns = '';
  ALTER TABLE assets DROP COLUMN description;
  ALTER TABLE assets DROP COLUMN upstream;
  ALTER TABLE assets DROP COLUMN expectedColumns;
  ALTER TABLE assets DROP COLUMN columns;
  `,
  },
];

/** Creates or updates the tables. */
export function migrateDemo(connection: Connection): void {
  const isDone = ({ done }: Step): boolean => connection.prepare<object>(done).all({}).length > 0;
  // First checked without the lock: most starts change nothing, and should not wait for a writer.
  if (STEPS.every(isDone)) return;
  connection.transaction(() => {
    for (const step of STEPS) if (!isDone(step)) connection.exec(step.sql);
  });
}
