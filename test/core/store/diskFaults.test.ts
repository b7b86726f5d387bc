import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { outageOf } from '../../../src/core/store/open.js';
import { NotWritten, StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import { isUnsure, translated } from '../../../src/core/store/sqlite/driverErrors.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { aKey, NOW, givenKey, givenWorkspace } from './fixtures.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-disk-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const CODES: readonly [code: string, reason: string][] = [
  ['SQLITE_IOERR_READ', 'the disk of the store reports an error'],
  ['SQLITE_FULL', 'the disk of the store is full'],
  ['SQLITE_READONLY_RECOVERY', 'the store is read-only'],
  ['SQLITE_CANTOPEN', 'a file of the store cannot be opened'],
  ['SQLITE_CORRUPT', 'the database file is damaged'],
];

test.each(CODES)(
  'X7: the error for %s says nothing about changes for a read, and that nothing was made for a change',
  async (code, reason) => {
    const cause = new Database.SqliteError('disk I/O error', code, 10);
    const read = translated(cause, false);
    expect(read).toBeInstanceOf(StoreUnavailable);
    expect(read).not.toBeInstanceOf(NotWritten);
    expect(read).toMatchObject({ message: 'The store could not read its file.', reason });
    expect(translated(cause, true)).toBeInstanceOf(NotWritten);
    // Both name a remedy.
    for (const error of [read, translated(cause, true)]) {
      expect(await outageOf({ mongodbUri: null, dataDir: '/d' }, error as StoreUnavailable)).toMatch(
        new RegExp(`^DATA_DIR is "/d": ${reason}( \\(disk I/O error\\))?\\. [A-Z].*\\.$`),
      );
    }
  },
);

test('X7: if the disk fails at the last step, the outcome of the change is unknown', () => {
  expect(isUnsure(new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC', 1034))).toBe(true);
  expect(isUnsure(new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_WRITE', 778))).toBe(false);
});

test('X7: in a file that was damaged while open, reads report the damage, and changes were not made', async () => {
  const store = await openSqliteStore({ dir });
  const workspaceId = await givenWorkspace(store);
  const ids: string[] = [];
  for (let i = 0; i < 200; i += 1) ids.push((await givenKey(store, workspaceId)).id);
  await store.close();
  overwritePages(join(dir, 'latchkey.db'), 'keys');
  const damaged = await openSqliteStore({ dir });
  const read = await damaged.keys.find(ids[100] ?? '', null).catch((error: unknown) => error);
  expect(read).toBeInstanceOf(StoreUnavailable);
  expect(read).not.toBeInstanceOf(NotWritten);
  expect(read).toMatchObject({ reason: 'the database file is damaged', remedy: expect.stringContaining('restore') });
  const listed = await damaged.keys.list(workspaceId, { first: 10, after: null, filter: {}, now: NOW }).catch(String);
  expect(listed).toBe('StoreUnavailable: The store could not read its file.');
  const written = await damaged.keys.insert(aKey(workspaceId), null, NOW).catch((error: unknown) => error);
  expect(written).toBeInstanceOf(NotWritten);
  expect(written).toMatchObject({ reason: 'the database file is damaged', remedy: expect.stringContaining('restore') });
  await damaged.close();
});

/** Overwrites the leaves of a table, as a broken disk does. */
function overwritePages(file: string, table: string): void {
  const db = new Database(file);
  const pages = db.prepare(`SELECT pageno, pgsize FROM dbstat WHERE name = '${table}' AND pagetype = 'leaf'`).all() as {
    pageno: number;
    pgsize: number;
  }[];
  db.close();
  const descriptor = openSync(file, 'r+');
  for (const { pageno, pgsize } of pages)
    writeSync(descriptor, Buffer.alloc(pgsize, 0x5a), 0, pgsize, (pageno - 1) * pgsize);
  closeSync(descriptor);
}
