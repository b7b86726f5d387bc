import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotWritten, StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import type { Store } from '../../../src/core/store/store.js';
import { MAX_WAL_BYTES } from '../../../src/core/store/sqlite/checkpoints.js';
import { Connection } from '../../../src/core/store/sqlite/connection.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { aWorkspace, givenKey, givenWorkspace } from './fixtures.js';

const root = mkdtempSync(join(tmpdir(), 'latchkey-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
function freshDir(): string {
  const dir = join(root, String(made++));
  mkdirSync(dir);
  return dir;
}

const FILE = 'latchkey.db';
const WAL = `${FILE}-wal`;

/** A directory with copies of these files of a store. */
function copyOf(dir: string, ...files: string[]): string {
  const copy = freshDir();
  for (const file of files) copyFileSync(join(dir, file), join(copy, file));
  return copy;
}

async function givenStore(): Promise<{ store: Store; dir: string; workspaceId: string; keyId: string }> {
  const dir = freshDir();
  const store = await openSqliteStore({ dir });
  const workspaceId = await givenWorkspace(store);
  const { id: keyId } = await givenKey(store, workspaceId);
  return { store, dir, workspaceId, keyId };
}

async function holds(dir: string, keyId: string): Promise<boolean> {
  const store = await openSqliteStore({ dir });
  const found = await store.keys.find(keyId, null);
  await store.close();
  return found !== null;
}

describe('X8: a store without its log', () => {
  test('is complete after a clean stop', async () => {
    const { store, dir, keyId } = await givenStore();
    await store.close();
    expect(statSync(join(dir, WAL), { throwIfNoEntry: false })?.size ?? 0).toBe(0);
    expect(await holds(copyOf(dir, FILE), keyId)).toBe(true);
  });

  test('is complete after a clean stop of the last of several processes', async () => {
    const { store, dir, workspaceId } = await givenStore();
    const other = await openSqliteStore({ dir });
    await store.close();
    const { id } = await givenKey(other, workspaceId);
    await other.close();
    expect(await holds(copyOf(dir, FILE), id)).toBe(true);
  });

  test('is rejected if the stop was not clean', async () => {
    const { store, dir, keyId } = await givenStore();
    const copy = copyOf(dir, FILE);
    await expect(openSqliteStore({ dir: copy })).rejects.toThrow(
      /latchkey\.db cannot be used: its -wal file is missing, .* create an empty -wal file next to it/,
    );
    expect(await holds(copyOf(dir, FILE, WAL), keyId)).toBe(true);
    await store.close();
  });

  test('is rejected if it had been opened and stopped cleanly before', async () => {
    const { store, dir, workspaceId } = await givenStore();
    await store.close();
    const again = await openSqliteStore({ dir });
    await givenKey(again, workspaceId);
    await expect(openSqliteStore({ dir: copyOf(dir, FILE) })).rejects.toThrow('its -wal file is missing');
    await again.close();
  });

  test('is opened without the changes in the log after somebody has accepted that', async () => {
    const { store, dir, workspaceId } = await givenStore();
    await store.close();
    const again = await openSqliteStore({ dir });
    const { id } = await givenKey(again, workspaceId);
    const copy = copyOf(dir, FILE);
    writeFileSync(join(copy, WAL), '');
    expect(await holds(copy, id)).toBe(false);
    await again.close();
  });
});

describe('X8: a store without its database', () => {
  test.each([
    ['missing', (file: string) => rmSync(file)],
    ['empty', (file: string) => truncateSync(file)],
  ])('is rejected if the file is %s, after a clean stop as well', async (_, happen) => {
    const { store, dir } = await givenStore();
    const copy = copyOf(dir, FILE, WAL);
    await store.close();
    writeFileSync(join(dir, WAL), '');
    for (const each of [copy, dir]) {
      happen(join(each, FILE));
      await expect(openSqliteStore({ dir: each })).rejects.toThrow(
        'contains latchkey.db-wal, but its latchkey.db is missing or empty. Restore latchkey.db from a backup',
      );
      rmSync(join(each, WAL));
      await (await openSqliteStore({ dir: each })).close();
    }
  });
});

test('X8: a store that has found damage accepts no changes, and is not ready', async () => {
  const { store, dir, workspaceId, keyId } = await givenStore();
  await expect(store.ping()).resolves.toBeUndefined();
  truncateSync(join(dir, WAL));
  await expect(
    store.keys.list(workspaceId, { first: 10, after: null, filter: {}, now: Date.now() }),
  ).rejects.toMatchObject({ reason: 'the database file is damaged' });
  await expect(store.ping()).rejects.toMatchObject({ reason: 'the database file is damaged' });
  await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailable);
  await store.keys.find(keyId, null).catch(() => null);
  await store.close();
});

describe('X8: a file that is deleted or replaced while the store is open', () => {
  const away = (dir: string, file: string): void => renameSync(join(dir, file), join(dir, 'elsewhere'));
  const replaced = (dir: string, file: string): void => {
    copyFileSync(join(dir, file), join(dir, 'copy'));
    renameSync(join(dir, 'copy'), join(dir, file));
  };

  test.each([
    ['the database, deleted', FILE, (dir: string, file: string) => rmSync(join(dir, file))],
    ['the database, moved away', FILE, away],
    ['the database, replaced by a copy', FILE, replaced],
    ['the log, deleted', WAL, (dir: string, file: string) => rmSync(join(dir, file))],
    ['the log, replaced by a copy', WAL, replaced],
  ])('%s: no change is acknowledged, and the store is not ready', async (_, file, happen) => {
    const { store, dir, workspaceId } = await givenStore();
    await expect(store.ping()).resolves.toBeUndefined();
    happen(dir, file);
    await expect(givenKey(store, workspaceId)).rejects.toThrow(StoreUnavailable);
    await expect(store.ping()).rejects.toMatchObject({ reason: 'the database file was deleted or replaced' });
    await store.close();
  });
});

test('X8: writes the log back once it is large', async () => {
  const { store, dir } = await givenStore();
  const sizes: number[] = [];
  for (let i = 0; i < 400; i += 1) {
    await store.workspaces.ensure(aWorkspace({ name: 'x'.repeat(60_000) }));
    sizes.push(statSync(join(dir, WAL)).size);
  }
  expect(Math.max(...sizes)).toBeLessThan(MAX_WAL_BYTES + 200_000);
  expect(sizes.some((size, i) => i > 0 && size < (sizes[i - 1] ?? 0))).toBe(true);
  await store.close();
});

test('X7: a full disk refuses changes and reports it, until there is room', () => {
  const connection = new Connection(join(freshDir(), FILE), 1_000);
  connection.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (text TEXT)');
  const insert = connection.prepare('INSERT INTO t VALUES ($text)');
  connection.exec('PRAGMA max_page_count = 4');
  expect(() => insert.run({ text: 'x'.repeat(100_000) })).toThrow(NotWritten);
  expect(connection.writeFault).toMatchObject({ reason: 'the disk of the store is full' });
  connection.exec('PRAGMA max_page_count = 1000');
  insert.run({ text: 'x'.repeat(100_000) });
  expect(connection.writeFault).toBeNull();
  connection.close();
});
