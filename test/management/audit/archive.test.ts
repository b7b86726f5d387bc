import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { archiveLog, BrokenLog, type ArchiveOptions } from '../../../src/management/audit/archive/archiveLog.js';
import { BrokenArchive, readArchive } from '../../../src/management/audit/archive/readArchive.js';
import { verifyAudit } from '../../../src/management/audit/verifyAudit.js';
import { draftEntry, SYSTEM } from '../../../src/core/store/audit.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import type { Store } from '../../../src/core/store/store.js';

const NOW = 1_790_000_000_000;
let dir = '';
let store: Store;
let made = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-archive-'));
  store = await openSqliteStore({ dir: join(dir, 'store') });
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

/** A log with entries one second apart. */
async function givenLog(length: number): Promise<string> {
  const ws = `ws_${(made += 1)}`;
  for (let i = 1; i <= length; i++) {
    const entry = { workspaceId: ws, projectId: null, at: NOW + i * 1_000, action: 'key.refused' } as const;
    await store.audit.append(draftEntry({ ...entry, subject: 'key_ü', before: null, after: { i } }, SYSTEM));
  }
  return ws;
}

const fileFor = (name: string): string => join(dir, `${(made += 1)}-${name}`);
const run = (workspaceId: string, path: string, count: number, audit: ArchiveOptions['audit'] = store.audit) =>
  archiveLog({
    audit,
    workspaceId,
    path,
    before: NOW + count * 1_000 + 1,
    author: SYSTEM,
    now: () => NOW + 1_000_000,
  });
const left = async (ws: string): Promise<number[]> => (await store.audit.read(ws, 0, 10_000)).map(({ seq }) => seq);

test.each(['audit.jsonl', 'audit.jsonl.gz'])('X11: entries move to %s, which only its owner can read', async (name) => {
  const ws = await givenLog(5);
  const path = fileFor(name);
  const chain = await store.audit.read(ws, 0, 10);
  expect(await run(ws, path, 3)).toMatchObject({ outcome: 'archived', first: 1, last: { seq: 3 }, resumed: false });
  expect(await left(ws)).toEqual([4, 5, 6]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const bytes = readFileSync(path);
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  expect(
    text
      .split('\n')
      .slice(1, 4)
      .map((line) => JSON.parse(line)),
  ).toEqual(chain.slice(0, 3));
  expect(await readArchive(path)).toMatchObject({ workspaceId: ws, after: { seq: 0 }, head: { seq: 3 } });
  expect(existsSync(`${path}.partial`)).toBe(false);
  expect(await verifyAudit(store.audit, ws)).toMatchObject({ outcome: 'whole', entries: 6, archived: 3 });
});

test('X11: the next archive continues the previous one, even with more entries than a batch', async () => {
  const ws = await givenLog(1_202);
  const [one, other] = [fileFor('a'), fileFor('b')];
  await run(ws, one, 1);
  expect(await run(ws, other, 1_201)).toMatchObject({ first: 2, last: { seq: 1_201 } });
  expect((await readArchive(other)).after).toEqual((await readArchive(one)).head);
  expect(await left(ws)).toEqual([1_202, 1_203, 1_204]);
  expect(await verifyAudit(store.audit, ws)).toMatchObject({ outcome: 'whole', archived: 1_201 });
});

test('X11: writes nothing if no entry is old enough', async () => {
  const ws = await givenLog(2);
  const path = fileFor('none');
  expect(await run(ws, path, 0)).toMatchObject({ outcome: 'nothing', oldest: { seq: 1 } });
  expect([existsSync(path), existsSync(`${path}.partial`), await left(ws)]).toEqual([false, false, [1, 2]]);
});

test('X11: a run that is interrupted at any point loses nothing, and the next one with the same file completes it', async () => {
  class Ended extends Error {}
  for (const at of ['while it wrote', 'before it removed', 'after it removed'] as const) {
    const ws = await givenLog(4);
    const path = fileFor('ended.jsonl');
    let reads = 0;
    const audit: ArchiveOptions['audit'] = {
      base: (id) => store.audit.base(id),
      read: async (...given) => {
        if (at === 'while it wrote' && (reads += 1) === 2) throw new Ended();
        return store.audit.read(...given);
      },
      archive: async (...given) => {
        if (at === 'before it removed') throw new Ended();
        await store.audit.archive(...given);
        throw new Ended();
      },
    };
    await expect(run(ws, path, 2, audit)).rejects.toThrow(Ended);
    const kept = at === 'after it removed' ? [3, 4, 5] : [1, 2, 3, 4];
    expect([at, await left(ws)]).toEqual([at, kept]);
    expect(await verifyAudit(store.audit, ws)).toMatchObject({ outcome: 'whole' });
    const resumed = at !== 'while it wrote';
    expect(await run(ws, path, 2)).toMatchObject({ outcome: 'archived', first: 1, last: { seq: 2 }, resumed });
    expect(await left(ws)).toEqual([3, 4, 5]);
    expect(await readArchive(path)).toMatchObject({ head: { seq: 2 } });
  }
});

test('X11: changes neither a file that is not the next archive nor the log', async () => {
  const [ws, other] = [await givenLog(4), await givenLog(4)];
  const path = fileFor('of-another');
  await run(other, path, 2);
  expect(await run(ws, path, 2)).toMatchObject({ outcome: 'taken', archive: { workspaceId: other } });
  for (const content of ['', 'notes of mine\n', '{"latchkeyAuditArchive":2}\n']) {
    const notes = fileFor('notes');
    writeFileSync(notes, content);
    await expect(run(ws, notes, 2)).rejects.toThrow(/is empty|is not an archive|cannot read/);
    expect(readFileSync(notes, 'utf8')).toBe(content);
  }
  expect(await left(ws)).toEqual([1, 2, 3, 4]);
});

test('X11: does not archive a log that was changed', async () => {
  const ws = await givenLog(4);
  const forged: ArchiveOptions['audit'] = {
    ...store.audit,
    read: async (...given) =>
      (await store.audit.read(...given)).map((entry) => (entry.seq === 2 ? { ...entry, subject: 'key_other' } : entry)),
  };
  await expect(run(ws, fileFor('forged'), 3, forged)).rejects.toThrow(BrokenLog);
  const gap = { ...store.audit, read: async () => (await store.audit.read(ws, 0, 9)).filter(({ seq }) => seq !== 2) };
  await expect(run(ws, fileFor('gap'), 3, gap)).rejects.toThrow(BrokenLog);
  expect(await left(ws)).toEqual([1, 2, 3, 4]);
});

test('X11: detects an archive that was changed or cut off in any line', async () => {
  const ws = await givenLog(4);
  const path = fileFor('whole.jsonl');
  await run(ws, path, 3);
  const text = readFileSync(path, 'utf8');
  const lines = text.trimEnd().split('\n');
  const broken = fileFor('broken.jsonl');
  const faultOf = async (content: string | Buffer): Promise<unknown> => {
    writeFileSync(broken, content);
    return readArchive(broken).then(
      () => 'none',
      (error: unknown) => (error instanceof BrokenArchive ? [error.outcome, error.seq] : String(error)),
    );
  };
  expect(await faultOf(text)).toBe('none');
  for (const i of lines.keys()) {
    // Without its first line it is not an archive.
    const isBroken = i === 0 ? expect.any(String) : [expect.any(String), expect.any(Number)];
    expect([i, await faultOf(`${lines.toSpliced(i, 1).join('\n')}\n`)]).toEqual([i, isBroken]);
    if (i > 0) expect([i, await faultOf(`${lines.slice(0, i).join('\n')}\n`)]).toEqual([i, ['missing', i]]);
  }
  expect(await faultOf('')).toContain('is empty');
  expect(await faultOf(text.replace('"i":2', '"i":7'))).toEqual(['altered', 2]);
  expect(await faultOf(`${text}${lines[1]}\n`)).toEqual(['altered', 4]);
  expect(await faultOf(text.slice(0, -1))).toEqual(['missing', 4]);
  expect(await faultOf(gzipSync(text).subarray(0, -20))).toEqual(['missing', expect.any(Number)]);
  const damaged = gzipSync(text);
  damaged.writeUInt8(damaged.readUInt8(40) ^ 0xff, 40);
  expect(await faultOf(damaged)).toEqual(['altered', expect.any(Number)]);
  expect(await faultOf('x'.repeat(1_100_000))).toContain('too long');
  expect(await faultOf(`${lines.slice(0, 2).join('\n')}\n${'x'.repeat(1_100_000)}`)).toEqual(['altered', 2]);
  const { hash } = (await readArchive(path)).head;
  await expect(readArchive(path, [{ seq: 3, hash }])).resolves.toBeDefined();
  await expect(readArchive(path, [{ seq: 3, hash: 'f'.repeat(64) }])).rejects.toThrow(
    'entry 3 is not what was written',
  );
});

test('X11: does not accept a beginning that no entry of the log names as an archive', async () => {
  const ws = await givenLog(4);
  const [, second] = await store.audit.read(ws, 0, 2);
  const cut = {
    head: async (id: string) => store.audit.head(id),
    read: async (id: string, after: number, first: number) => store.audit.read(id, Math.max(after, 2), first),
    base: async () => ({ seq: 2, hash: second?.hash ?? '' }),
  };
  expect(await verifyAudit(cut, ws)).toEqual({ outcome: 'missing', seq: 1 });
});
