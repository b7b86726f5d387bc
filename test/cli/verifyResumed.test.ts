import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chained, draftEntry, SYSTEM, type AuditEntry } from '../../src/core/store/audit.js';
import { until } from '../support/until.js';
import { answering } from './answering.js';
import { PROGRAM } from './latchkey.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

const LENGTH = 3_500;
const chain: AuditEntry[] = [];
for (let i = 0; i < LENGTH; i++) {
  const entry = { workspaceId: 'default', projectId: null, at: i, action: 'key.created', subject: `key_${i}` } as const;
  chain.push(chained(draftEntry({ ...entry, before: null, after: { n: i } }, SYSTEM), chain.at(-1) ?? null));
}
const headAt = (seq: number): string => `${seq}:${chain[seq - 1]?.hash}`;
const WHOLE = `The log is intact: ${LENGTH} entries. Head: ${headAt(LENGTH)}\n`;

/** The entries of the server. */
let entries: readonly AuditEntry[] = chain;
/** The cursor of each requested page. */
let cursors: number[] = [];
/** The number of pages that the server returns before it fails. */
let pages = Infinity;
let server: Awaited<ReturnType<typeof answering>>;
let state = '';

beforeAll(async () => {
  server = await answering(({ query, variables }) => {
    const { seq, hash } = entries.at(-1) ?? { seq: 0, hash: '' };
    if (query.includes('viewer')) return { viewer: { workspace: { id: 'default' }, project: null } };
    if (query.includes('auditHead')) return { auditHead: { seq, hash, archived: null } };
    const after = Number(variables.after);
    cursors.push(after);
    if (cursors.length > pages) return { errors: [{ message: 'Out of order.', extensions: { code: 'BROKEN' } }] };
    const before = entries.filter((entry) => entry.seq < after);
    return { auditLog: { nodes: before.slice(-Number(variables.first)).reverse().map(toldOf) } };
  });
});
afterAll(() => server.close());
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'latchkey-resumed-'));
  [entries, cursors, pages] = [chain, [], Infinity];
});
afterEach(() => rmSync(state, { recursive: true }));

const env = () => ({ LATCHKEY_URL: server.url, LATCHKEY_API_KEY: 'key_of_a_test', XDG_STATE_HOME: state });
const verify = (...args: string[]) => latchkey(['audit', 'verify', ...args], { env: env() });

/** Runs until the server fails after this number of pages. */
async function interrupted(after: number, ...args: string[]): Promise<string> {
  pages = after;
  const { status, stdout, stderr } = await verify(...args);
  expect([status, stdout]).toEqual([1, '']);
  [pages, cursors] = [Infinity, []];
  return stderr;
}

test('X5: verify reads each entry once, in pages of 100 by cursor, and shows progress on a terminal only', async () => {
  const { status, stdout, stderr } = await verify();
  expect([status, stdout, stderr]).toEqual([0, WHOLE, '']);
  expect(cursors).toEqual(Array.from({ length: 36 }, (_, i) => i * 100 + 101).slice(0, cursors.length));
  expect(cursors.length).toBe(LENGTH / 100 + 1);
  const line = `${process.execPath} ${PROGRAM} audit verify`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    env: { PATH: process.env.PATH, TERM: 'xterm', ...env() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  await once(child, 'close');
  expect(screen).toContain(`2000 of ${LENGTH}`);
});

test('X5: continues a failed run after the last 1,000 entries that it verified', async () => {
  expect(await interrupted(25)).toContain(
    'Entries up to 2000 are verified. To continue there, run the command again with --resume.',
  );
  const resumed = await verify('--resume');
  expect([resumed.status, resumed.stdout]).toEqual([0, WHOLE]);
  expect(resumed.stderr).toContain('Continuing after entry 2000, which an earlier run reached at 20');
  // The entry itself, and then the following ones.
  expect(cursors[0]).toBe(2_100);
  expect(cursors.slice(1)).toEqual(Array.from({ length: 16 }, (_, i) => i * 100 + 2_101));
  // The run is complete: there is nothing to resume, and the head is stored.
  cursors = [];
  const again = await verify('--resume');
  expect([again.status, again.stdout]).toEqual([0, WHOLE]);
  expect(again.stderr).toContain('No interrupted run was found.');
  expect(again.stderr).toContain(`Compared with entry ${LENGTH}`);
  expect(cursors[0]).toBe(101);
});

test('X5: continues a run that was killed', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'audit', 'verify'], {
    env: { PATH: process.env.PATH, ...env() },
    stdio: 'ignore',
  });
  await until(() => cursors.length > 15);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const [[, { seq }]] = JSON.parse(readFileSync(join(state, 'latchkey', 'audit-progress.json'), 'utf8'));
  expect([1_000, 2_000, 3_000]).toContain(seq);
  cursors = [];
  const { status, stdout } = await verify('--resume');
  expect([status, stdout, cursors[0]]).toEqual([0, WHOLE, seq + 100]);
});

test('X5: without --resume a run starts from the beginning', async () => {
  await interrupted(15);
  expect(await verify()).toMatchObject({ status: 0, stdout: WHOLE });
  expect(cursors[0]).toBe(101);
});

test.each([
  ['the entry that was reached', (seq: number) => seq === 1_000, 1_000],
  ['an entry after it', (seq: number) => seq === 1_001, 1_001],
])('X5: a resumed run finds a change of %s', async (_, isChanged, seq) => {
  await interrupted(15);
  entries = chain.map((entry) => (isChanged(entry.seq) ? { ...entry, subject: 'key_other' } : entry));
  expect(await verify('--resume')).toMatchObject({
    status: 1,
    stdout: `The log is broken: entry ${seq} is not what was written.\n`,
  });
});

test('X5: a resumed run finds a log that was cut off before the last entry that it had read', async () => {
  await interrupted(15);
  entries = chain.slice(0, 900);
  expect(await verify('--resume')).toMatchObject({ status: 1, stdout: 'The log is broken: entry 1000 is missing.\n' });
});

test('X5: a resumed run must compare the same heads as the interrupted run', async () => {
  await interrupted(15, '--head', headAt(7));
  const refused = await verify('--resume');
  expect([refused.status, refused.stdout, refused.stderr]).toEqual([
    2,
    '',
    expect.stringContaining('The interrupted run compared other heads'),
  ]);
  expect(cursors).toEqual([]);
  // A head after this position may differ.
  expect(await verify('--resume', '--head', headAt(7))).toMatchObject({ status: 0, stdout: WHOLE });
  await interrupted(15);
  expect(await verify('--resume', '--head', headAt(1_500))).toMatchObject({ status: 0, stdout: WHOLE });
});

test('X5: --from only reads the entries after a noted head', async () => {
  const { status, stdout } = await verify('--from', headAt(3_000));
  expect([status, stdout]).toEqual([0, `The log is intact after entry 3000: 500 entries. Head: ${headAt(LENGTH)}\n`]);
  expect(cursors.every((cursor) => cursor > 3_000)).toBe(true);
  const json = await verify('--json', '--from', headAt(3_000));
  expect(JSON.parse(json.stdout)).toEqual({
    ...{ workspace: 'default', from: 3_000, outcome: 'whole', entries: LENGTH, head: chain.at(-1)?.hash },
  });
  const other = await verify('--from', `3000:${'f'.repeat(64)}`);
  expect([other.status, other.stdout]).toEqual([1, 'The log is broken: entry 3000 is not what was written.\n']);
  expect((await verify('--from', `9999:${'f'.repeat(64)}`)).stdout).toBe('The log is broken: entry 9999 is missing.\n');
  for (const [args, said] of [
    [['--from', headAt(3_000), '--head', headAt(7)], 'Entry 7, of --head, is before --from and is not read.'],
    [['--from', headAt(3_000), '--resume'], 'cannot be used with'],
    [['--from', '7:abc'], '--from: the hash after the colon has 3 digits.'],
  ] as const) {
    const refused = await verify(...args);
    expect([refused.status, refused.stdout, refused.stderr]).toEqual([2, '', expect.stringContaining(said)]);
  }
});

test('X5: if --from fails, it shows where to continue, and keeps the head that was seen before', async () => {
  entries = chain.slice(0, 20);
  await verify();
  entries = chain;
  expect(await interrupted(12, '--from', headAt(100))).toContain(`again with --from ${headAt(1_100)}.`);
  const { stderr } = await verify('--from', headAt(1_100));
  expect(stderr).toContain('Entry 20, the last head that this computer saw, was not compared.');
  const [[, seen]] = JSON.parse(readFileSync(join(state, 'latchkey', 'audit-heads.json'), 'utf8'));
  expect(seen.seq).toBe(20);
});

/** An entry as the API returns it. */
function toldOf({ at, action, actorKind, ...same }: AuditEntry): object {
  return {
    ...same,
    at: new Date(at).toISOString(),
    action: action.replace('.', '_').toUpperCase(),
    actorKind: actorKind.toUpperCase(),
  };
}
