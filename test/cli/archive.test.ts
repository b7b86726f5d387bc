import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { draftEntry, SYSTEM } from '../../src/core/store/audit.js';
import { startService, type TestService } from '../support/service.js';
import { latchkey } from './latchkey.js';

const DAY = 24 * 60 * 60_000;
let dir = '';
let service: TestService;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-archive-'));
  service = await startService({ dataDir: join(dir, 'data') });
  for (let i = 0; i < 3; i++) {
    const entry = { workspaceId: 'old', projectId: null, action: 'key.refused', subject: 'key_x' } as const;
    const draft = draftEntry({ ...entry, at: Date.now() - DAY, before: null, after: { i } }, SYSTEM);
    await service.service.store.audit.append(draft);
  }
  await service.service.store.workspaces.ensure({ id: 'old', name: 'old', tier: 'STARTER', createdAt: Date.now() });
});
afterAll(async () => {
  await service.close();
  rmSync(dir, { recursive: true });
});

const archive = (...args: string[]) =>
  latchkey(['audit', 'archive', ...args], { env: { DATA_DIR: join(dir, 'data') }, cwd: dir });

test('X11: archive moves old entries to a file next to a running server, and can be repeated', async () => {
  const file = join(dir, 'old.jsonl.gz');
  const args = ['--workspace', 'old', '--before', '1h', '--to', file];
  const first = await archive(...args);
  expect([first.status, first.stdout]).toEqual([
    0,
    expect.stringMatching(/^Entries 1 to 3 are in .*Head: 3:[0-9a-f]{64}\n$/),
  ]);
  const { store } = service.service;
  expect((await store.audit.read('old', 0, 9)).map(({ action }) => action)).toEqual([
    'workspace.created',
    'audit.archived',
  ]);
  const again = await archive(...args);
  expect([again.status, again.stdout]).toEqual([
    0,
    expect.stringMatching(/^The file already existed\. Entries 1 to 3/),
  ]);
  expect(await store.audit.read('old', 0, 9)).toHaveLength(2);
});

test('X11: archive refuses impossible requests, and writes no file', async () => {
  const file = join(dir, 'none.jsonl');
  const notes = join(dir, 'notes.txt');
  writeFileSync(notes, 'mine\n');
  for (const [args, what] of [
    [['--before', 'now', '--to', file], 'at least an hour old'],
    [['--before', 'soon', '--to', file], '--before: invalid date'],
    [['--before', '1d', '--to', file, '--workspace', 'ws_none'], 'There is no workspace ws_none'],
    [['--before', '1h', '--to', join(dir, 'missing', 'file'), '--workspace', 'default'], ''],
    [['--before', '1h', '--to', notes], 'is not an archive'],
  ] as const) {
    const { status, stdout, stderr } = await archive(...args);
    if (what !== '') expect([what, status, stderr]).toEqual([what, 2, expect.stringContaining(what)]);
    expect(stdout).not.toContain('no longer in the store');
  }
  expect([existsSync(file), readFileSync(notes, 'utf8')]).toEqual([false, 'mine\n']);
});
