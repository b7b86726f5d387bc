import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { checkHeads } from '../../../src/management/audit/startCheck.js';
import { verifyAudit } from '../../../src/management/audit/verifyAudit.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { startService, type TestService } from '../../support/service.js';

const dirs: string[] = [];
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true });
});

/** A store with a log of four entries, changed by hand. */
async function given(change: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-heads-'));
  dirs.push(dir);
  const store = await openSqliteStore({ dir });
  await store.workspaces.ensure({ id: 'default', name: 'default', tier: 'GROWTH', createdAt: 1 });
  for (const tier of ['STARTER', 'GROWTH', 'STARTER'] as const) await store.workspaces.setTier('default', tier, 2);
  await store.close();
  const file = new Database(join(dir, 'latchkey.db'));
  file.exec(change);
  file.close();
  return dir;
}

test.each([
  ['DELETE FROM audit WHERE seq = 4', 'its newest entry, 4, is missing', { outcome: 'missing', seq: 4 }],
  ['DELETE FROM audit WHERE seq > 1', 'its newest entry, 4, is missing', { outcome: 'missing', seq: 2 }],
  ["UPDATE audit SET actor = 'key_x' WHERE seq = 4", 'its newest entry, 4, is altered', { outcome: 'altered', seq: 4 }],
  [
    'DELETE FROM audit WHERE seq = 4; DELETE FROM auditHeads',
    'its stored head is missing',
    { outcome: 'headless', entries: 3 },
  ],
])('R8: a start reports a log that was cut off: %s', async (change, what, verdict) => {
  const dir = await given(change);
  const store = await openSqliteStore({ dir });
  const complaints: string[] = [];
  await checkHeads(store, (message) => complaints.push(message));
  expect(complaints).toEqual([expect.stringContaining(what)]);
  expect(await verifyAudit(store.audit, 'default')).toEqual(verdict);
  await store.close();
});

test('R8: a start reports nothing for an intact log', async () => {
  const store = await openSqliteStore({ dir: await given('SELECT 1') });
  const complaints: string[] = [];
  await checkHeads(store, (message) => complaints.push(message));
  expect(complaints).toEqual([]);
  await store.close();
});

test('R8: the service logs an error at its start, and its API returns the stored head', async () => {
  const { MONGODB_URI } = process.env;
  delete process.env.MONGODB_URI;
  const service = await startService({ dataDir: await given('DELETE FROM audit WHERE seq = 4') });
  if (MONGODB_URI !== undefined) process.env.MONGODB_URI = MONGODB_URI;
  try {
    expect(service.logs.filter((line) => line.includes('is missing'))).toHaveLength(1);
    const { body } = await service.query('{ auditHead { seq hash } auditLog { nodes { seq } } }');
    const head = await service.service.store.audit.head('default');
    expect(body.data.auditHead).toEqual(head);
  } finally {
    await service.close();
  }
});

test('R8: compares the log with the copy of its head, and refuses to start if it cannot write copies', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-heads-'));
  dirs.push(dir);
  const AUDIT_HEADS_FILE = join(dir, 'heads.jsonl');
  const start = (file: string) => startService({ dataDir: dir, env: { AUDIT_HEADS_FILE: file } });
  const told = (service: TestService) =>
    service.logs.filter((line) => line.includes('whose head was copied elsewhere'));
  const first = await start(AUDIT_HEADS_FILE);
  try {
    expect(told(first)).toEqual([]);
    // Before the test's database is dropped.
    await first.service.close();
  } finally {
    await first.close();
  }
  expect(readFileSync(AUDIT_HEADS_FILE, 'utf8')).toContain('"workspaceId":"default"');
  // Another database looks like one in which everything was replaced.
  const [line = ''] = readFileSync(AUDIT_HEADS_FILE, 'utf8').split('\n');
  const replaced = `${line.replace(/"hash":"[0-9a-f]{64}"/, `"hash":"${'a'.repeat(64)}"`)}\n`;
  writeFileSync(AUDIT_HEADS_FILE, replaced);
  const second = await start(AUDIT_HEADS_FILE);
  try {
    expect(told(second)).toHaveLength(1);
    expect(told(second)[0]).toContain('"level":50');
  } finally {
    await second.close();
  }
  expect(readFileSync(AUDIT_HEADS_FILE, 'utf8')).toBe(replaced);
  await expect(start(join(dir, 'none', 'heads'))).rejects.toThrow(
    /^AUDIT_HEADS_FILE is ".*", which does not exist and cannot be created there\. Create/,
  );
});
