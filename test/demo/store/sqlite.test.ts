import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplicate, StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import type { Store } from '../../../src/core/store/store.js';
import { Connection } from '../../../src/core/store/sqlite/connection.js';
import { MIGRATIONS } from '../../../src/core/store/sqlite/migrations.js';
import { openSqlite, openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { EVENT_RETENTION } from '../../../src/demo/store/demoRecords.js';
import type { DemoStore } from '../../../src/demo/store/demoStore.js';
import { SQLITE_PARTS } from '../../../src/demo/store/sqlite/sqliteParts.js';
import { STEPS } from '../../../src/demo/store/sqlite/tables.js';
import { aKey, givenWorkspace, NOW } from '../../core/store/fixtures.js';
import { startChild } from '../../core/store/processes.js';
import { demoConformance } from './demoConformance.js';
import { anAlert, anAsset, anEvent } from './demoFixtures.js';

let root = '';
let made = 0;
const freshDir = (): string => join(root, String(made++));

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'latchkey-demo-'));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const open = (dir: string, busyTimeout = 5000): Promise<Store & DemoStore> =>
  openSqlite({ dir, busyTimeout }, { extension: SQLITE_PARTS });

/** The file of an earlier release, after this number of migrations of the store and steps of the built-in domain. */
function oldFile(dir: string, migrations: number, steps: number): Connection {
  mkdirSync(dir);
  const old = new Connection(join(dir, 'latchkey.db'), 1000);
  for (const migration of MIGRATIONS.slice(0, migrations)) if (typeof migration === 'string') old.exec(migration);
  for (const { sql } of STEPS.slice(0, steps)) old.exec(sql);
  old.exec(`PRAGMA user_version = ${migrations}`);
  return old;
}

demoConformance('SQLite', {
  runs: 60,
  create: async () => ({ engine: 'sqlite', dir: freshDir() }),
  drop: async () => undefined,
});

test('R2: assets of an earlier release keep their texts and columns', async () => {
  const dir = freshDir();
  // The fourth step separates texts and columns.
  const old = oldFile(dir, 13, 3);
  old.exec('PRAGMA foreign_keys = ON');
  const columns = [{ name: 'id', type: 'bigint' }];
  old.exec(
    `INSERT INTO assets (projectId, name, description, owner, allowedAge, upstream, expectedColumns, columns, schemaVersion,
       lastLoadAt, lastLoadRows, createdAt)
     VALUES ('ws', 'a', 'text', 'me', 5, '["b","c"]', '${JSON.stringify(columns)}', '[]', 3, 7, 8, 1),
       ('ws', 'b', NULL, NULL, NULL, '[]', '[]', '[]', 1, NULL, NULL, 2);
     INSERT INTO downstream VALUES ('ws', 'b', 'a'), ('ws', 'c', 'a')`,
  );
  old.close();
  const store = await open(dir);
  const asset = anAsset('ws', {
    name: 'a',
    description: 'text',
    owner: 'me',
    allowedAge: 5,
    upstream: ['b', 'c'],
    expectedColumns: columns,
    schemaVersion: 3,
    lastLoadAt: 7,
    lastLoadRows: 8,
    createdAt: 1,
  });
  expect(await store.assets.find('ws', 'a')).toEqual(asset);
  expect(await store.assets.find('ws', 'b')).toMatchObject({ description: null, upstream: [], columns: [] });
  expect(await store.assets.findDownstream('ws', ['b'], 5)).toEqual([{ name: 'b', downstream: ['a'] }]);
  expect(await store.assets.register({ ...asset, columns, upstream: [] })).toMatchObject({ columns, schemaVersion: 3 });
  expect(await store.assets.findDownstream('ws', ['b'], 5)).toEqual([{ name: 'b', downstream: [] }]);
  await store.close();
});

test('a file that was opened without the built-in domain keeps its tables, and gets their missing columns later', async () => {
  const dir = freshDir();
  // Of the release before projects.
  const old = oldFile(dir, 3, 1);
  old.exec(
    `INSERT INTO assets (workspaceId, name, upstream, expectedColumns, columns, schemaVersion, createdAt)
     VALUES ('ws', 'a', '[]', '[]', '[]', 1, 1)`,
  );
  old.close();
  const plain = await openSqliteStore({ dir });
  expect(Object.keys(plain)).not.toContain('assets');
  expect(await plain.keys.insert(aKey(await givenWorkspace(plain)), null, NOW)).toEqual({ outcome: 'inserted' });
  await plain.close();
  const store = await open(dir);
  expect(await store.assets.find('ws', 'a')).toMatchObject({ projectId: 'ws', createdAt: 1 });
  expect(await store.events.record([anEvent('ws')], NOW)).toMatchObject([{ added: true }]);
  await store.close();
});

test('several processes create the tables together', async () => {
  const dir = freshDir();
  const stores = await Promise.all([open(dir), open(dir), open(dir)]);
  for (const store of stores) await store.assets.register(anAsset('ws', { name: 'one' }));
  expect(await stores[0].assets.list('ws', { first: 9, after: null })).toHaveLength(1);
  for (const store of stores) await store.close();
});

test('blocked by another process: writes reject with StoreUnavailable, reads continue', async () => {
  const dir = freshDir();
  const store = await open(dir, 150);
  await store.assets.register(anAsset('ws', { name: 'a' }));
  const holder = await startChild(null, { kind: 'hold', file: join(dir, 'latchkey.db') });
  await expect(store.assets.register(anAsset('ws'))).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.assets.openAlert(anAlert('ws', 'a'))).rejects.toBeInstanceOf(StoreUnavailable);
  expect(await store.assets.find('ws', 'a')).toMatchObject({ name: 'a' });
  holder.go();
  await holder.end();
  await store.close();
});

test('names the value that exists already as the interface does', async () => {
  const store = await open(freshDir());
  const alert = anAlert('ws', 'a');
  await store.assets.openAlert(alert);
  const refusal: unknown = await store.assets.openAlert({ ...alert, asset: 'b' }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Duplicate);
  expect(refusal).toMatchObject({ what: 'alert.id' });
  await store.close();
});

describe('SQLite: events', () => {
  test('are deleted after their time, with each write more than it can add', async () => {
    const store = await open(freshDir());
    const left = async () =>
      (await store.events.list('prj', { first: 5000, after: null, filter: {}, since: 0 })).length;
    for (let batch = 0; batch < 3; batch++) {
      await store.events.record(
        Array.from({ length: 500 }, (_, i) => anEvent('prj', { at: NOW - batch * 500 - i })),
        NOW,
      );
    }
    const later = NOW + EVENT_RETENTION;
    await store.events.record([anEvent('prj', { at: later })], later - 1);
    expect(await left()).toBe(501);
    await store.events.record([anEvent('prj', { at: later })], later - 1);
    expect(await left()).toBe(3);
    await store.events.record([], later);
    expect(await left()).toBe(2);
    await store.close();
  });

  test('are added to a file of a release without events, which keeps its data', async () => {
    const dir = freshDir();
    const old = oldFile(dir, 4, 2);
    old.exec("INSERT INTO workspaces (id, name, tier, createdAt) VALUES ('ws_old', 'Old', 'GROWTH', 1)");
    old.close();
    for (let opened = 0; opened < 2; opened++) {
      const store = await open(dir);
      expect(await store.workspaces.find('ws_old')).toEqual({
        id: 'ws_old',
        name: 'Old',
        tier: 'GROWTH',
        createdAt: 1,
      });
      const [kept] = await store.events.record([anEvent('ws_old', { id: 'one' })], NOW);
      expect(kept?.added).toBe(opened === 0);
      await store.close();
    }
  });
});
