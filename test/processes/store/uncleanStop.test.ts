import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, openSync, closeSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { Connection } from '../../../src/core/store/sqlite/connection.js';
import { MIGRATIONS } from '../../../src/core/store/sqlite/migrations.js';
import { openSqlite } from '../../../src/core/store/sqlite/open.js';
import { MAIN, runFile } from '../../support/child.js';
import { givenKey, givenWorkspace } from '../../core/store/fixtures.js';
import { startChild } from '../../core/store/processes.js';

const root = mkdtempSync(join(tmpdir(), 'latchkey-unclean-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FILE = 'latchkey.db';
let made = 0;
function freshDir(): string {
  const dir = join(root, String((made += 1)));
  mkdirSync(dir);
  return dir;
}

/** Opens and closes a store, and returns the number of file checks. */
async function checksOf(dir: string): Promise<number> {
  const told: string[] = [];
  const store = await openSqlite({ dir }, { tell: (message) => told.push(message) });
  await store.close();
  for (const message of told) expect(message).toMatch(/latchkey\.db was not clean\. Checking the file \(\d+ MB\)/);
  return told.length;
}

/** A copy of these files, which no connection of this process has opened. */
function copyOf(dir: string, ...names: string[]): string {
  const copy = freshDir();
  for (const name of names) copyFileSync(join(dir, name), join(copy, name));
  return copy;
}

/** A store with 300 keys, closed cleanly. */
async function givenStore(): Promise<{ dir: string; workspaceId: string }> {
  const dir = freshDir();
  const store = await openSqlite({ dir });
  const workspaceId = await givenWorkspace(store);
  for (let i = 0; i < 300; i += 1) await givenKey(store, workspaceId);
  await store.close();
  return { dir: copyOf(dir, FILE), workspaceId };
}

/** Kills a process that writes to the store. */
async function killWriter(dir: string, workspaceId: string): Promise<void> {
  const child = await startChild({ engine: 'sqlite', dir }, { kind: 'churn', workspaceId });
  child.go();
  await child.answered(3);
  await child.kill();
}

/** Overwrites a page of the table of keys, as a broken disk does. */
function damagePage(dir: string): void {
  const db = new Database(join(copyOf(dir, FILE), FILE));
  const [page] = db
    .prepare("SELECT pageno, pgsize AS size FROM dbstat WHERE name = 'keys' AND pagetype = 'leaf' LIMIT 1")
    .all() as { pageno: number; size: number }[];
  db.close();
  const { pageno = 0, size = 0 } = page ?? {};
  const descriptor = openSync(join(dir, FILE), 'r+');
  writeSync(descriptor, Buffer.alloc(size, 0x5a), 0, size, (pageno - 1) * size);
  closeSync(descriptor);
}

const DAMAGED =
  /latchkey\.db cannot be used: it is damaged \(.+\)\. Stop every process that uses it, move latchkey\.db, latchkey\.db-wal and latchkey\.db-shm away, and restore a backup \(docs\/how-to\/damaged-database\.md\)/;

test('X7: a start checks the file after kill -9, but not after a clean stop', async () => {
  const { dir, workspaceId } = await givenStore();
  expect(await checksOf(dir)).toBe(0);
  await killWriter(dir, workspaceId);
  expect(await checksOf(dir)).toBe(1);
  expect(await checksOf(dir)).toBe(0);
});

test('X7: each start rejects a damaged file until a backup replaces it', async () => {
  const { dir, workspaceId } = await givenStore();
  const backup = join(freshDir(), FILE);
  copyFileSync(join(dir, FILE), backup);
  await killWriter(dir, workspaceId);
  damagePage(dir);
  await expect(openSqlite({ dir })).rejects.toThrow(DAMAGED);
  await expect(openSqlite({ dir })).rejects.toThrow(DAMAGED);
  for (const name of readdirSync(dir)) if (name.startsWith(FILE)) rmSync(join(dir, name));
  copyFileSync(backup, join(dir, FILE));
  expect(await checksOf(dir)).toBe(0);
});

test('X7: the server does not start with a damaged file, and prints a remedy in one line', async () => {
  const { dir, workspaceId } = await givenStore();
  await killWriter(dir, workspaceId);
  damagePage(dir);
  const child = runFile(MAIN, { PORT: '0', DATA_DIR: dir, LOG_LEVEL: 'error' });
  const ended = once(child.process, 'exit');
  // It must not outlive the test, if it starts.
  const kill = setTimeout(() => child.process.kill('SIGKILL'), 20_000);
  expect(await ended).toEqual([1, null]);
  clearTimeout(kill);
  const { stdout, stderr } = child.output();
  expect(stdout).toBe('');
  expect(stderr).toMatch(
    /^The server did not start\. DATA_DIR is ".+", which contains a database that cannot be used: it is damaged \(.+\)\. Stop every process .+\n$/,
  );
});

test.each([
  ['PORT', (port: number) => ({ PORT: String(port) })],
  ['METRICS_PORT', (port: number) => ({ PORT: '0', METRICS_PORT: String(port) })],
  ['METRICS_PORT of a worker', (port: number) => ({ PORT: '0', METRICS_PORT: String(port), WORKERS: '1' })],
])('a start that fails because %s is in use leaves a store that the next start does not check', async (name, env) => {
  const dir = freshDir();
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const child = runFile(MAIN, { ...env((busy.address() as AddressInfo).port), DATA_DIR: dir, LOG_LEVEL: 'silent' });
  const ended = once(child.process, 'exit');
  const kill = setTimeout(() => child.process.kill('SIGKILL'), 30_000);
  expect(await ended).toEqual([1, null]);
  clearTimeout(kill);
  busy.close();
  expect(child.output().stderr).toMatch(
    new RegExp(`^The server did not start\\. ${name.split(' ')[0]} is \\d+, which is in use`),
  );
  // The key of an empty store is shown once, also by a start that fails.
  expect(child.output().stdout).toMatch(/Admin key: lks_live_/);
  expect(await checksOf(copyOf(dir, ...readdirSync(dir).filter((file) => file.startsWith(FILE))))).toBe(0);
});

test('X7: one of several concurrent starts after an unclean stop checks the file, and the others wait', async () => {
  const { dir, workspaceId } = await givenStore();
  await killWriter(dir, workspaceId);
  let checks = 0;
  const stores = await Promise.all([1, 2, 3].map(() => openSqlite({ dir }, { tell: () => (checks += 1) })));
  expect(checks).toBe(1);
  await Promise.all(stores.map((store) => store.close()));
});

test('X7: a start does not check the file while another process runs, and the check happens when all have ended', async () => {
  const { dir, workspaceId } = await givenStore();
  const living = await startChild({ engine: 'sqlite', dir }, { kind: 'churn', workspaceId });
  await killWriter(dir, workspaceId);
  expect(await checksOf(dir)).toBe(0);
  await living.kill();
  expect(await checksOf(dir)).toBe(1);
});

test('X7: a backup of a running store is checked at its first start', async () => {
  const { dir, workspaceId } = await givenStore();
  const store = await openSqlite({ dir });
  await givenKey(store, workspaceId);
  const copy = freshDir();
  const db = new Database(join(dir, FILE));
  db.exec(`VACUUM INTO '${join(copy, FILE)}'`);
  db.close();
  await store.close();
  expect([await checksOf(copy), await checksOf(copy)]).toEqual([1, 0]);
});

test.each([
  ['with changes in its log is checked', false, 1],
  ['that was closed is not checked', true, 0],
])('X7: a file of an earlier release %s', async (_, isClosed, checks) => {
  const dir = freshDir();
  const before = MIGRATIONS.findIndex((migration) => String(migration).includes('openers'));
  const old = new Connection(join(dir, FILE), 1_000);
  old.exec('PRAGMA journal_mode = WAL');
  for (const migration of MIGRATIONS.slice(0, before)) if (typeof migration === 'string') old.exec(migration);
  old.exec(`PRAGMA user_version = ${before}`);
  const copy = freshDir();
  if (isClosed) old.pragma('wal_checkpoint(TRUNCATE)');
  for (const name of [FILE, `${FILE}-wal`]) copyFileSync(join(dir, name), join(copy, name));
  old.close();
  expect([await checksOf(copy), await checksOf(copy)]).toEqual([checks, 0]);
});
