import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readArchive } from '../../src/management/audit/archive/readArchive.js';
import { verifyAudit } from '../../src/management/audit/verifyAudit.js';
import { draftEntry, SYSTEM } from '../../src/core/store/audit.js';
import { PROJECT } from '../support/project.js';
import { startService, type TestService } from '../support/service.js';
import { latchkey } from './latchkey.js';
import { latchkeyInOneProcess } from './oneProcess.js';

const DAY = 24 * 60 * 60_000;
const PRELOAD = `--import ${pathToFileURL(join(PROJECT, 'test/cli/killAt.mjs')).href}`;
let dir = '';
let service: TestService;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-killed-'));
  service = await startService({ dataDir: join(dir, 'data') });
});
afterAll(async () => {
  await service.close();
  rmSync(dir, { recursive: true });
});

/** A workspace with this number of entries from yesterday, and its current `workspace.created`. */
async function givenLog(id: string, old: number): Promise<void> {
  const { store } = service.service;
  for (let i = 0; i < old; i++) {
    const entry = { workspaceId: id, projectId: null, action: 'key.refused', subject: 'key_x' } as const;
    await store.audit.append(draftEntry({ ...entry, at: Date.now() - DAY, before: null, after: { i } }, SYSTEM));
  }
  await store.workspaces.ensure({ id, name: id, tier: 'STARTER', createdAt: Date.now() });
}

test.each([
  ['the file is written in part', 'written in part', 5, false],
  ['the file is written and not yet on the disk', 'written', 5, false],
  ['the file is checked and has no name yet', 'read again', 5, false],
  ['the file has its name', 'named', 5, true],
  ['the beginning of the log is about to move', 'base', 5, true],
  ['the beginning of the log has moved, uncommitted', 'base run', 5, true],
  ['no entry is deleted yet', 'delete', 5, true],
  ['the first of two batches is deleted', 'delete:2', 600, true],
])(
  'X11: SIGKILL of audit archive when %s loses nothing, and the next run completes it',
  async (_, step, old, isFile) => {
    const id = `ws_${step.replace(/\W/g, '_')}`;
    await givenLog(id, old);
    const { store } = service.service;
    const before = await store.audit.read(id, 0, 1_000);
    const file = join(dir, `${id}.jsonl`);
    const command = ['audit', 'archive', '--workspace', id, '--before', '1h', '--to', file];
    const env = { DATA_DIR: join(dir, 'data') };

    const killed = await latchkey(command, { env: { ...env, NODE_OPTIONS: PRELOAD, KILL_AT: step }, cwd: dir });
    expect([killed.status, killed.stdout]).toEqual([null, '']);
    // Each entry is in the store, or in a complete file.
    expect(existsSync(file)).toBe(isFile);
    const filed = isFile ? (await readArchive(file)).head.seq : 0;
    const kept = await store.audit.read(id, 0, 1_000);
    for (const entry of before) expect(entry.seq <= filed || kept.some(({ hash }) => hash === entry.hash)).toBe(true);
    expect(await verifyAudit(store.audit, id)).toMatchObject({ outcome: 'whole' });

    const again = await latchkeyInOneProcess(command, { env, cwd: dir });
    expect([again.status, again.stderr]).toEqual([0, '']);
    expect(await readArchive(file)).toMatchObject({ workspaceId: id, after: { seq: 0 }, head: { seq: old } });
    expect(existsSync(`${file}.partial`)).toBe(false);
    expect((await store.audit.read(id, 0, 1_000)).map(({ seq, action }) => [seq, action])).toEqual([
      [old + 1, 'workspace.created'],
      [old + 2, 'audit.archived'],
    ]);
    expect(await verifyAudit(store.audit, id)).toMatchObject({ outcome: 'whole', entries: old + 2, archived: old });
  },
);
