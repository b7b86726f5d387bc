import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { Duplicate, StoreUnavailable, Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { FIELDS_KEPT, USAGE_PERIODS } from '../../../src/core/store/periods.js';
import type { UsageAddition } from '../../../src/core/store/records.js';
import { storeOf } from '../../../src/core/store/sqlite/engine.js';
import { Connection } from '../../../src/core/store/sqlite/connection.js';
import { KEY, KEY_FIELDS } from '../../../src/core/store/keyFields.js';
import { KEY_COLUMNS } from '../../../src/core/store/sqlite/keyColumns.js';
import { MIGRATIONS } from '../../../src/core/store/sqlite/migrations.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { openWriter } from '../../../src/core/store/sqlite/writer.js';
import { storeConformance } from './conformance.js';
import { aBatch, aKey, aProject, givenKey, givenWorkspace, listed, namesOf, NOW, summaryOf } from './fixtures.js';
import { startChild } from './processes.js';
import { openTarget } from './target.js';

let root = '';
let made = 0;
const freshDir = (): string => join(root, String(made++));
/** Opens a store whose threads are not the subject, because it takes long to start them. */
const openHere = (dir: string) => openTarget({ engine: 'sqlite', dir, inThisThread: true });

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'latchkey-store-'));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

storeConformance('SQLite', {
  runs: 60,
  create: async () => ({ engine: 'sqlite', dir: freshDir() }),
  drop: async () => undefined,
});

describe('SQLite: the file', () => {
  test('has no tables of the built-in domain', async () => {
    const dir = freshDir();
    const store = await openSqliteStore({ dir });
    expect(Object.keys(store).sort()).toEqual([
      ...[
        'audit',
        'close',
        'guardedSchemas',
        'keys',
        'limits',
        'ping',
        'projects',
        'quotas',
        'signingKeys',
        'usage',
        'users',
        'version',
      ],
      'workspaces',
    ]);
    await store.close();
    const file = new Connection(join(dir, 'latchkey.db'), 1000);
    const tables = file.prepare<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    expect(tables.all({}).map(({ name }) => name)).toEqual([
      ...[
        'audit',
        'auditBases',
        'auditHeads',
        'changes',
        'credits',
        'guardedSchemas',
        'keyCounts',
        'keyDocuments',
        'keys',
      ],
      ...[
        'limitOverrides',
        'openers',
        'projects',
        'quotaCounters',
        'recovery',
        'removedKeys',
        'signingKeys',
        'usage',
        'usageBatches',
        'usageReport',
        'usedFields',
        'users',
        'workspaces',
      ],
    ]);
    file.close();
  });

  test('is readable only by its owner, with its directory and companions', async () => {
    const dir = join(freshDir(), 'deep');
    const store = await openSqliteStore({ dir });
    await givenWorkspace(store);
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect(mode(dir)).toBe('700');
    for (const file of ['latchkey.db', 'latchkey.db-wal', 'latchkey.db-shm']) expect(mode(join(dir, file))).toBe('600');
    await store.close();
  });

  test('of a later release is rejected and not changed', async () => {
    const dir = freshDir();
    await (await openSqliteStore({ dir })).close();
    const db = new Database(join(dir, 'latchkey.db'));
    db.exec('PRAGMA user_version = 99');
    await expect(openSqliteStore({ dir })).rejects.toThrow(/latchkey\.db cannot be used: it has schema version 99/);
    expect(db.prepare('PRAGMA user_version').all()).toEqual([{ user_version: 99 }]);
    db.close();
  });

  test('that is not a database, or whose directory is unusable, is rejected with its name and the reason', async () => {
    const dir = freshDir();
    mkdirSync(dir);
    writeFileSync(join(dir, 'latchkey.db'), 'This is not a database, however long it may be. '.repeat(100));
    await expect(openSqliteStore({ dir })).rejects.toThrow(/latchkey\.db cannot be used: file is not a database/);
    await expect(openSqliteStore({ dir: join(dir, 'latchkey.db') })).rejects.toThrow(
      /^The directory ".*latchkey\.db" is a file, not a directory\. Give the path of a directory\.$/,
    );
    mkdirSync(join(dir, 'sub', 'latchkey.db'), { recursive: true });
    await expect(openSqliteStore({ dir: join(dir, 'sub') })).rejects.toThrow(
      /^The directory ".*sub" contains a latchkey\.db that is not a file\. Remove it, or give another directory\.$/,
    );
  });
});

test('R11: keys of an earlier release are counted by kind', async () => {
  const dir = freshDir();
  mkdirSync(dir);
  const before = MIGRATIONS.findIndex((migration) => String(migration).includes('administers'));
  const old = new Connection(join(dir, 'latchkey.db'), 1000);
  for (const migration of MIGRATIONS.slice(0, before)) if (typeof migration === 'string') old.exec(migration);
  old.exec(`PRAGMA user_version = ${before}`);
  old.exec("INSERT INTO workspaces (id, name, tier, createdAt) VALUES ('ws', 'Old', 'FREE_TRIAL', 1)");
  const scopes = [['admin'], ['admin', 'platform'], ['admin', 'read:all'], ['read:all'], []];
  for (const [i, each] of scopes.entries()) {
    old.exec(
      `INSERT INTO keys (id, workspaceId, familyId, lookupId, tokenPrefix, secretHash, name, nameFolded, type, environment, scopes, createdAt)
       VALUES ('key_${i}', 'ws', 'fam_${i}', 'lookup_${i}', 'lks_live', 'x', 'n', 'n', 'SECRET', 'LIVE', '${JSON.stringify(each)}', 1)`,
    );
  }
  old.close();
  const store = await openHere(dir);
  expect(await store.keys.countFamilies('ws', NOW, 'adminKeys')).toBe(2);
  expect(await store.keys.countFamilies('ws', NOW, 'keys')).toBe(3);
  expect(await store.keys.countFamilies('ws', NOW)).toBe(5);
  await store.close();
});

test('X11: ended keys of an earlier release are found and removed, and their lookup IDs stay taken', async () => {
  const dir = freshDir();
  mkdirSync(dir);
  const before = MIGRATIONS.findIndex((migration) => String(migration).includes('removedKeys'));
  const old = new Connection(join(dir, 'latchkey.db'), 1000);
  for (const migration of MIGRATIONS.slice(0, before)) if (typeof migration === 'string') old.exec(migration);
  old.exec(`PRAGMA user_version = ${before}`);
  old.exec("INSERT INTO workspaces (id, name, tier, createdAt) VALUES ('ws', 'Old', 'FREE_TRIAL', 1)");
  const ends = [
    ['living', 'NULL', 'NULL'],
    ['revoked', 'NULL', String(NOW)],
    ['expired', String(NOW), 'NULL'],
  ];
  for (const [id, expiresAt, revokedAt] of ends) {
    old.exec(
      `INSERT INTO keys (id, workspaceId, familyId, lookupId, tokenPrefix, secretHash, name, nameFolded, type, environment, scopes, createdAt, expiresAt, revokedAt)
       VALUES ('key_${id}', 'ws', '${id}', 'lookup_${id}', 'lks_live', 'x', 'n', 'n', 'SECRET', 'LIVE', '[]', 1, ${expiresAt}, ${revokedAt})`,
    );
  }
  old.close();
  const store = await openHere(dir);
  expect(await store.keys.removeEnded(NOW - 1, 9)).toEqual({ removed: 0, isDone: true });
  expect(await store.keys.removeEnded(NOW, 9)).toEqual({ removed: 2, isDone: true });
  expect((await listed(store, 'ws')).map(({ id }) => id)).toEqual(['key_living']);
  expect(await store.keys.count('ws', {}, NOW)).toBe(1);
  await store.close();
  const reopened = await openHere(dir);
  const again = aKey('ws', { lookupId: 'lookup_revoked' });
  await expect(reopened.keys.insert(again, null, NOW)).rejects.toMatchObject({ what: 'key.lookupId' });
  expect(await reopened.keys.findForVerification('lookup_revoked')).toBeNull();
  await reopened.close();
});

test('R2: keys of an earlier release keep their trusted documents', async () => {
  const dir = freshDir();
  mkdirSync(dir);
  const before = MIGRATIONS.findIndex((migration) => String(migration).includes('keyDocuments'));
  const old = new Connection(join(dir, 'latchkey.db'), 1000);
  for (const migration of MIGRATIONS.slice(0, before)) if (typeof migration === 'string') old.exec(migration);
  old.exec(`PRAGMA user_version = ${before}; PRAGMA foreign_keys = ON`);
  const documents = ['a'.repeat(64), 'b'.repeat(64)];
  old.exec(
    `INSERT INTO workspaces (id, name, tier, createdAt) VALUES ('ws', 'Old', 'GROWTH', 1);
     INSERT INTO keys (id, workspaceId, familyId, lookupId, tokenPrefix, secretHash, name, nameFolded, type, environment, scopes,
       trustedDocuments, createdAt)
     VALUES ('key_a', 'ws', 'key_a', 'la', 'lks_live', 'h', 'a', 'a', 'SECRET', 'LIVE', '[]', '${JSON.stringify(documents)}', 1),
       ('key_b', 'ws', 'key_b', 'lb', 'lks_live', 'h', 'b', 'b', 'SECRET', 'LIVE', '[]', NULL, 2)`,
  );
  old.close();
  const store = await openHere(dir);
  expect(await store.keys.find('key_a', 'ws')).toMatchObject({ name: 'a', trustedDocuments: documents });
  expect(await store.keys.findForVerification('la')).toMatchObject({ key: { trustedDocuments: documents } });
  expect(await store.keys.find('key_b', 'ws')).toMatchObject({ name: 'b', trustedDocuments: null });
  expect(namesOf(await listed(store, 'ws'))).toEqual(['b', 'a']);
  expect(await store.keys.count('ws', {}, NOW)).toBe(2);
  await store.close();
});

test('R2: lists, searches, look-ups of several keys and notes of use read no trusted documents', async () => {
  const dir = freshDir();
  const store = await openHere(dir);
  const ws = await givenWorkspace(store);
  const key = await givenKey(store, ws, { trustedDocuments: ['a'.repeat(64)] });
  const author = { kind: 'key', id: key.id, address: null, userAgent: null } as const;
  const raw = new Connection(join(dir, 'latchkey.db'), 1000);
  raw.exec('DROP TABLE keyDocuments');
  raw.close();
  expect(await listed(store, ws, { nameContains: 'deploy' })).toEqual([summaryOf(key)]);
  expect(await store.keys.count(ws, { status: 'ACTIVE' }, NOW)).toBe(1);
  expect(await store.keys.findMany([key.id], ws)).toEqual([summaryOf(key)]);
  const clues = { lookupIds: [key.lookupId], beginning: null, foreignPrefix: null };
  expect(await store.keys.search(clues, { workspaceId: ws, projectId: null }, 9)).toEqual([summaryOf(key)]);
  await store.keys.touch(new Map([[key.id, NOW]]));
  expect(await store.keys.insert(aKey(ws), null, NOW, author)).toEqual({ outcome: 'inserted' });
  await expect(store.keys.find(key.id, ws)).rejects.toThrow();
  await expect(store.keys.documentsOf([key.id], ws)).rejects.toThrow();
  await store.close();
});

/** Returns the statements that remove the columns of keys and users that later versions add. */
function withoutColumnsAfter(version: number): string {
  const added = KEY_FIELDS.filter(
    (field) => KEY[field].since > version && MIGRATIONS[KEY[field].since - 1] === KEY_COLUMNS,
  );
  const columns = added.map((field) => `ALTER TABLE keys DROP COLUMN ${field};`);
  return ['DROP INDEX keysByExternalId; ALTER TABLE users DROP COLUMN externalId;', ...columns].join(' ');
}

test('F13: names of an earlier release are unique and found in any normalization', async () => {
  const dir = freshDir();
  mkdirSync(dir);
  const before = MIGRATIONS.findIndex((migration) => typeof migration !== 'string');
  const old = new Connection(join(dir, 'latchkey.db'), 1000);
  for (const migration of MIGRATIONS.slice(0, before)) old.exec(String(migration));
  old.exec(`PRAGMA user_version = ${before}`);
  old.exec("INSERT INTO workspaces (id, name, tier, createdAt) VALUES ('ws', 'Old', 'GROWTH', 1)");
  const project = old.prepare('INSERT INTO projects (id, workspaceId, name, createdAt) VALUES ($id, $ws, $name, 1)');
  const [decomposed, composed] = ['Cafe\u0301', 'Caf\u00e9'];
  project.run({ id: 'prj_1', ws: 'ws', name: decomposed });
  project.run({ id: 'prj_2', ws: 'ws', name: 'A\u030angstro\u0308m \u212b' });
  project.run({ id: 'prj_3', ws: 'ws', name: 'Ze\u0301' });
  project.run({ id: 'prj_4', ws: 'ws', name: 'Z\u00e9' });
  old.close();

  const store = await openHere(dir);
  const names = (await store.projects.list('ws', { first: 9, after: null })).map(({ name }) => name);
  expect(names).toEqual([composed, '\u00c5ngstr\u00f6m \u00c5', 'Ze\u0301', 'Z\u00e9']);
  for (const name of [composed, 'Z\u00e9'])
    await expect(store.projects.create(aProject('ws', { name }))).rejects.toThrow(Duplicate);
  const key = await givenKey(store, 'ws', { name: 'Straße İzmir' });
  await store.close();
  const file = new Connection(join(dir, 'latchkey.db'), 1000);
  file.prepare('UPDATE keys SET name = $name, nameFolded = $name WHERE id = $id').run({ id: key.id, name: decomposed });
  file.exec(
    `DROP INDEX keysUnrevoked; DROP INDEX keysLiving; ALTER TABLE keys DROP COLUMN administers;
     CREATE INDEX keysUnrevoked ON keys (workspaceId, familyId, expiresAt) WHERE revokedAt IS NULL;
     DROP TABLE keyDocuments; ALTER TABLE keys ADD COLUMN trustedDocuments TEXT;
     DROP INDEX keysRevoked; DROP INDEX keysExpiring; DROP TABLE removedKeys;
     ${withoutColumnsAfter(before)}
     PRAGMA user_version = ${before}`,
  );
  file.close();
  const again = await openHere(dir);
  expect(namesOf(await listed(again, 'ws', { nameContains: 'CAF\u00c9' }))).toEqual([decomposed]);
  await again.close();
});

test('SQLite: names of an earlier release lose selectors that change nothing, and are found without invisible characters', async () => {
  const dir = freshDir();
  const store = await openHere(dir);
  const ws = await givenWorkspace(store);
  const before = MIGRATIONS.findLastIndex((migration) => typeof migration === 'function');
  const key = await givenKey(store, ws, { name: 'ad\u034fmin' });
  for (const name of ['☕\ufe0f', '☎\ufe0f']) await store.projects.create(aProject(ws, { name }));
  await store.close();
  const file = new Connection(join(dir, 'latchkey.db'), 1000);
  file.exec(`UPDATE keys SET nameFolded = name; ${withoutColumnsAfter(before)} PRAGMA user_version = ${before}`);
  file.close();
  const again = await openHere(dir);
  const projects = await again.projects.list(ws, { first: 9, after: null });
  expect(projects.map(({ name }) => name).sort()).toEqual(['☎\ufe0f', '☕']);
  await expect(again.projects.create(aProject(ws, { name: '☕' }))).rejects.toThrow(Duplicate);
  expect(namesOf(await listed(again, ws, { nameContains: 'admin' }))).toEqual([key.name]);
  await again.close();
});

describe('SQLite: the connection', () => {
  /** The connection that writes, opened in this thread, with the driver's own object. */
  const spied = async (dir: string) => {
    const prototype = Database.prototype as { exec: (sql: string) => unknown };
    const { exec } = prototype;
    const databases = new Set<Database.Database>();
    prototype.exec = function (this: Database.Database, sql: string) {
      databases.add(this);
      return exec.call(this, sql);
    };
    await (await openHere(dir)).close();
    const writer = await openWriter({ dir, file: join(dir, 'latchkey.db'), busyTimeout: 5000 }).finally(
      () => (prototype.exec = exec),
    );
    const db = [...databases].at(-1);
    if (db === undefined) throw new Error('No connection was opened.');
    return {
      store: { ...storeOf(writer.engine), ping: async () => writer.ping(), close: async () => writer.close() },
      db,
    };
  };

  test('writes to the disk before it returns, and enforces references', async () => {
    const { store, db } = await spied(freshDir());
    expect(db.prepare('PRAGMA journal_mode').all()).toEqual([{ journal_mode: 'wal' }]);
    expect(db.prepare('PRAGMA synchronous').all()).toEqual([{ synchronous: 2 }]);
    expect(db.prepare('PRAGMA foreign_keys').all()).toEqual([{ foreign_keys: 1 }]);
    await store.close();
  });

  test('usage counts do not wait for the disk, but later changes do, even after a failure', async () => {
    const { store, db } = await spied(freshDir());
    const synchronous = () => (db.prepare('PRAGMA synchronous').all() as { synchronous: number }[])[0]?.synchronous;
    const key = await givenKey(store, await givenWorkspace(store));
    const during: unknown[] = [];
    const exec = db.exec.bind(db);
    db.exec = (sql) => {
      if (sql === 'COMMIT') during.push(synchronous());
      return exec(sql);
    };
    const record = { keyId: key.id, start: 0, requests: 1, cost: 1, limited: 0, forbidden: 0 };
    await store.usage.add(aBatch([record]), NOW);
    await store.keys.touch(new Map([[key.id, NOW]]));
    await givenWorkspace(store);
    expect(during).toEqual([1, 1, 2]);
    await expect(store.usage.add(aBatch([{ ...record, requests: NaN }]), NOW)).rejects.toThrow();
    expect(synchronous()).toBe(2);
    await store.close();
  });

  test('rejects values that the driver would store as something else', async () => {
    const store = await openHere(freshDir());
    const ws = await givenWorkspace(store);
    const key = await givenKey(store, ws);
    for (const fields of [
      { expiresAt: NaN },
      { expiresAt: 1.5 },
      { name: 'a\0b' },
      { revokedReason: true as unknown as string },
    ]) {
      await expect(store.keys.insert(aKey(ws, fields), null, NOW)).rejects.toThrow(RangeError);
    }
    await expect(store.keys.findForVerification(`${key.lookupId}\0x`)).rejects.toThrow(RangeError);
    await store.close();
  });

  test('blocked by another process: writes reject with StoreUnavailable, reads continue, and then all works again', async () => {
    const dir = freshDir();
    const store = await openSqliteStore({ dir, busyTimeout: 150 });
    const ws = await givenWorkspace(store);
    const key = await givenKey(store, ws);
    const holder = await startChild(null, { kind: 'hold', file: join(dir, 'latchkey.db') });

    const began = performance.now();
    await expect(store.keys.insert(aKey(ws), 5, NOW)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(performance.now() - began).toBeGreaterThan(100);
    await expect(
      store.keys.rotate(key.id, ws, { successor: aKey(ws), overlapEnd: NOW }, { at: NOW }),
    ).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.keys.touch(new Map([[key.id, NOW]]))).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.workspaces.setTier(ws, 'GROWTH', NOW)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.keys.findForVerification(key.lookupId)).toMatchObject({ key });
    expect(await store.keys.list(ws, { first: 9, after: null, filter: {}, now: NOW })).toMatchObject({
      keys: [summaryOf(key)],
    });

    holder.go();
    await holder.end();
    expect(await store.keys.insert(aKey(ws), 5, NOW)).toEqual({ outcome: 'inserted' });
    await store.close();
  });
});

describe('SQLite: usage counts', () => {
  const HOUR = 3_600_000;
  const START = Math.floor(NOW / HOUR) * HOUR;
  const DAY = 24 * HOUR;
  const counts = (keyId: string, start: number): UsageAddition => ({
    keyId,
    start,
    requests: 1,
    cost: 1,
    limited: 0,
    forbidden: 0,
  });

  test('are deleted after their time, at most a thousand in one write', async () => {
    const store = await openHere(freshDir());
    const many = Array.from({ length: 1500 }, (_, i) => counts('key_old', START - i * HOUR));
    const left = async (): Promise<number> =>
      (await store.usage.read(['key_old'], { from: 0, to: START + HOUR, by: 'HOUR' })).length;
    await store.usage.add(aBatch(many), START);
    const later = START + USAGE_PERIODS.HOUR.kept;
    await store.usage.add(aBatch([]), later - 1);
    expect(await left()).toBe(500);
    await store.usage.add(aBatch([]), later - 1);
    expect(await left()).toBe(1);
    await store.usage.add(aBatch([]), later);
    expect(await left()).toBe(0);
    await store.close();
  });

  test('are deleted after their time as fast as new ones are added', async () => {
    const store = await openHere(freshDir());
    const many = (prefix: string, start: number) =>
      Array.from({ length: 2500 }, (_, i) => ({
        ...counts(`${prefix}_${i}`, start),
        fields: new Map([['Query.a', 1]]),
      }));
    await store.usage.add(aBatch(many('old', START)), START);
    await store.usage.add(aBatch(many('new', START + 91 * DAY)), START + 91 * DAY);
    const left = async (by: 'MINUTE' | 'HOUR' | 'DAY'): Promise<number> => {
      const keyIds = Array.from({ length: 2500 }, (_, i) => `old_${i}`);
      return (await store.usage.read(keyIds, { from: 0, to: START + DAY, by })).length;
    };
    expect([await left('MINUTE'), await left('HOUR'), await left('DAY')]).toEqual([0, 0, 2500]);
    expect(START + 91 * DAY - FIELDS_KEPT).toBeGreaterThan(START);
    expect(await store.usage.fields('old_0', 0, START + DAY)).toEqual([]);
    expect(await store.usage.fields('new_0', START, START + 92 * DAY)).toHaveLength(1);
    await store.close();
  });

  test('of a release before minutes and days are kept by hour, and summed by day', async () => {
    const dir = freshDir();
    mkdirSync(dir);
    const before = new Database(join(dir, 'latchkey.db'));
    // The fifth entry adds minutes and days.
    for (const migration of MIGRATIONS.slice(0, 4)) before.exec(String(migration));
    before.exec('PRAGMA user_version = 4');
    const today = Math.floor(NOW / DAY) * DAY;
    const insert = before.prepare('INSERT INTO usage VALUES (?, ?, ?, ?, ?)');
    for (let i = 0; i < 48; i++) for (const key of ['key_a', 'key_b']) insert.run(key, today + i * HOUR, i, 2, 1);
    before.close();

    const store = await openHere(dir);
    const span = { from: today, to: today + 2 * DAY };
    const row = (keyId: string, start: number, requests: number, times = 1) => ({
      keyId,
      start,
      requests,
      cost: requests,
      limited: 2 * times,
      forbidden: times,
    });
    expect(await store.usage.read(['key_a'], { ...span, by: 'HOUR' })).toEqual(
      Array.from({ length: 48 }, (_, i) => row('key_a', today + i * HOUR, i)),
    );
    expect(await store.usage.read(['key_a', 'key_b'], { ...span, by: 'DAY' })).toEqual(
      ['key_a', 'key_b'].flatMap((key) => [row(key, today, 276, 24), row(key, today + DAY, 852, 24)]),
    );
    await store.usage.add(aBatch([{ ...row('key_a', today, 1), cost: 5 }]), today);
    expect((await store.usage.read(['key_a'], { ...span, by: 'DAY' }))[0]).toEqual({
      ...row('key_a', today, 277, 25),
      cost: 281,
    });
    await store.close();
  });

  test('are definitely not written if another process blocks the write', async () => {
    const dir = freshDir();
    const store = await openSqliteStore({ dir, busyTimeout: 150 });
    const holder = await startChild(null, { kind: 'hold', file: join(dir, 'latchkey.db') });
    const refusal: unknown = await store.usage
      .add(aBatch([counts('key_a', START)]), NOW)
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(StoreUnavailable);
    expect(refusal).not.toBeInstanceOf(Unacknowledged);
    holder.go();
    await holder.end();
    expect(await store.usage.read(['key_a'], { from: START, to: START + HOUR, by: 'HOUR' })).toEqual([]);
    await store.close();
  });
});
