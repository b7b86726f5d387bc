import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { checkHeads } from '../../src/audit/startCheck.js';
import { verifyAudit } from '../../src/audit/verify.js';
import { openSqliteStore } from '../../src/store/sqlite/open.js';
import { startService } from '../support/service.js';

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
  ['DELETE FROM audit WHERE seq = 4', 'entry 4, its newest, is missing', { outcome: 'missing', seq: 4 }],
  ['DELETE FROM audit WHERE seq > 1', 'entry 4, its newest, is missing', { outcome: 'missing', seq: 2 }],
  ["UPDATE audit SET actor = 'key_x' WHERE seq = 4", 'entry 4, its newest, is altered', { outcome: 'altered', seq: 4 }],
  [
    'DELETE FROM audit WHERE seq = 4; DELETE FROM auditHeads',
    'its kept head is missing',
    { outcome: 'headless', entries: 3 },
  ],
])('R8: a start tells of a log that was cut off: %s', async (change, what, verdict) => {
  const dir = await given(change);
  const store = await openSqliteStore({ dir });
  const complaints: string[] = [];
  await checkHeads(store, (message) => complaints.push(message));
  expect(complaints).toEqual([expect.stringContaining(what)]);
  expect(await verifyAudit(store.audit, 'default')).toEqual(verdict);
  await store.close();
});

test('R8: a start says nothing of a log that is whole', async () => {
  const store = await openSqliteStore({ dir: await given('SELECT 1') });
  const complaints: string[] = [];
  await checkHeads(store, (message) => complaints.push(message));
  expect(complaints).toEqual([]);
  await store.close();
});

test('R8: the service logs an error at its start, and its API tells the kept head', async () => {
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
