import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOf } from '../../src/management/audit/heads/headLine.js';
import { verifyAudit } from '../../src/management/audit/verifyAudit.js';
import { asHashed, type ToldEntry } from '../../src/cli/commands/audit/listedEntries.js';
import { hashOf } from '../../src/core/store/audit.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { PROGRAM } from './latchkey.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';
import { answering } from './answering.js';
import { until } from '../support/until.js';

let service: TestService;
let env: Record<string, string>;
beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken };
  // More than one page of the API.
  for (let i = 0; i < 120; i += 1) await createKey(service, { name: `key ${i}`, expiresAt: '2090-01-01T00:00:00Z' });
});
afterAll(() => service.close());

const run = (...args: string[]) => latchkey(args, { env });
const entriesOf = async (count: number): Promise<ToldEntry[]> =>
  JSON.parse((await run('audit', 'tail', '--json', '-n', String(count))).stdout).entries;

test('R8: verify stores the head that it saw in a private file, for the next time', async () => {
  const state = mkdtempSync(join(tmpdir(), 'latchkey-seen-'));
  const verify = () => latchkey(['audit', 'verify'], { env: { ...env, XDG_STATE_HOME: state } });
  const path = join(state, 'latchkey', 'audit-heads.json');
  try {
    const first = await verify();
    expect([first.status, first.stderr]).toEqual([0, expect.not.stringContaining('Compared with')]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const [[name, seen]] = JSON.parse(readFileSync(path, 'utf8'));
    expect(name).toBe(`${service.url} default`);
    expect(first.stdout).toContain(`Head: ${seen.seq}:${seen.hash}`);
    await createKey(service);
    const second = await verify();
    expect([second.status, second.stderr]).toEqual([
      0,
      expect.stringContaining(`Compared with entry ${seen.seq}, the last head that this computer saw`),
    ]);
    // The log was replaced or cut off since this computer saw it.
    for (const [forged, what] of [
      [{ ...seen, hash: 'f'.repeat(64) }, `entry ${seen.seq} is not what was written`],
      [{ ...seen, seq: 9_999 }, 'is missing'],
    ]) {
      const text = JSON.stringify([[name, forged]]);
      writeFileSync(path, text);
      const { status, stdout } = await verify();
      expect([status, stdout]).toEqual([1, expect.stringContaining(what)]);
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
    writeFileSync(path, 'not JSON');
    const unreadable = await verify();
    expect([unreadable.status, unreadable.stderr]).toEqual([
      0,
      expect.stringContaining('No earlier head was compared'),
    ]);
  } finally {
    rmSync(state, { recursive: true });
  }
});

test('R8: verify --heads compares all heads of the workspace that the server wrote to a file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-copies-'));
  const path = join(dir, 'heads.jsonl');
  try {
    const entries = await service.service.store.audit.read('default', 0, 3);
    const own = entries.map(({ seq, hash }) => ({ workspaceId: 'default', seq, hash }));
    const foreign = { workspaceId: 'ws_other', seq: 1, hash: 'a'.repeat(64) };
    const verifyWith = (heads: readonly { workspaceId: string; seq: number; hash: string }[], end = '\n') => {
      writeFileSync(path, heads.map((head) => lineOf(head, 0)).join('\n') + end);
      return run('audit', 'verify', '--heads', path);
    };
    const whole = await verifyWith([foreign, ...own]);
    expect([whole.status, whole.stderr]).toEqual([
      0,
      expect.stringContaining('Compared with 3 heads of this workspace in the file.'),
    ]);
    for (const [i] of own.entries()) {
      const forged = own.map((head, at) => (at === i ? { ...head, hash: 'b'.repeat(64) } : head));
      const { status, stdout } = await verifyWith(forged);
      expect([status, stdout]).toEqual([1, `The log is broken: entry ${i + 1} is not what was written.\n`]);
    }
    expect((await verifyWith([...own, { workspaceId: 'default', seq: 9_999, hash: 'b'.repeat(64) }])).status).toBe(1);
    // It is an error if there is nothing to compare with.
    for (const [heads, end, what] of [
      [[foreign], '\n', 'no head of the workspace default'],
      [own, '\n{}\n', 'line 4'],
    ] as const) {
      const { status, stderr } = await verifyWith(heads, end);
      expect([status, stderr]).toEqual([2, expect.stringContaining(what)]);
    }
    const { status, stderr } = await run('audit', 'verify', '--heads', join(dir, 'none'));
    expect([status, stderr]).toEqual([2, expect.stringContaining('does not exist')]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('verify gets the same result as the server, and prints a head that it accepts', async () => {
  const verdict = await verifyAudit(service.service.store.audit, 'default');
  const { status, stdout } = await run('audit', 'verify', '--json');
  expect([status, JSON.parse(stdout)]).toEqual([0, { workspace: 'default', ...verdict }]);
  const sentence = (await run('audit', 'verify')).stdout;
  const [, head = ''] = /^The log is intact: \d+ entries\. Head: (\S+)\n$/.exec(sentence) ?? [];
  await createKey(service);
  expect((await run('audit', 'verify', '--head', head)).status).toBe(0);
  const other = await run('audit', 'verify', '--head', `7:${'0'.repeat(64)}`);
  expect([other.status, other.stdout]).toEqual([1, 'The log is broken: entry 7 is not what was written.\n']);
  const later = await run('audit', 'verify', '--head', `9999:${'0'.repeat(64)}`);
  expect([later.status, later.stdout]).toMatchObject([
    1,
    expect.stringMatching(/^The log is broken: entry \d+ is missing/),
  ]);
});

test('says what to do if a new database has deliberately replaced the one of the last head', async () => {
  const state = mkdtempSync(join(tmpdir(), 'latchkey-seen-'));
  const verify = () => latchkey(['audit', 'verify'], { env: { ...env, XDG_STATE_HOME: state } });
  const path = join(state, 'latchkey', 'audit-heads.json');
  try {
    expect((await verify()).status).toBe(0);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"seq":\s*\d+/, '"seq":99999'));
    const { status, stdout, stderr } = await verify();
    expect([status, stdout]).toEqual([1, expect.stringMatching(/^The log is broken: entry \d+ is missing/)]);
    expect(stderr).toContain(
      `If this server has a new database on purpose, remove "${service.url} default" from ${path}, and run the command again.`,
    );
  } finally {
    rmSync(state, { recursive: true });
  }
});

test('tail prints the newest entries, the oldest first, each as it was hashed', async () => {
  const entries = await entriesOf(150);
  expect(entries.length).toBeGreaterThan(100);
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => (entries[0]?.seq ?? 0) + i));
  for (const entry of entries) expect(hashOf(asHashed(entry, 'default'))).toBe(entry.hash);
  const revoked = await run('audit', 'tail', '--actions', 'key-revoked');
  expect(revoked.stdout).toBe('No entries.\n');
});

test('U4: tail --json has the names of the IDs in before and after, and verify still accepts the log', async () => {
  const added = await service.query('mutation { addUser(input: { name: "Noor", roles: [] }) { user { id } } }');
  const { id: userId } = added.body.data.addUser.user;
  await createKey(service, { name: 'of Noor', userId });
  const entries = await entriesOf(1);
  expect(entries).toMatchObject([{ subjectName: 'of Noor', after: { userId } }]);
  expect(entries[0]?.names).toContainEqual({ id: userId, name: 'Noor' });
  for (const entry of entries) expect(hashOf(asHashed(entry, 'default'))).toBe(entry.hash);
  expect((await run('audit', 'verify')).status).toBe(0);
});

test.each([
  [
    'altered',
    (nodes: Entry[]) => nodes.map((node) => (node.seq === 60 ? { ...node, subject: 'key_other' } : node)),
    60,
  ],
  ['altered', (nodes: Entry[]) => nodes.map((node) => (node.seq === 60 ? { ...node, after: null } : node)), 60],
  ['missing', (nodes: Entry[]) => nodes.filter(({ seq }) => seq !== 110), 110],
  ['missing', (nodes: Entry[]) => nodes.filter(({ seq }) => seq > 10), 1],
  ['missing', (nodes: Entry[]) => nodes.filter(({ seq }) => seq <= 100), 101],
])('R8: finds an entry that is %s, and its position, even at the end of the log', async (outcome, changed, seq) => {
  const entries = await entriesOf(1_000);
  const server = await answering(({ query, variables }) =>
    query.includes('auditLog') ? page(changed(entries), variables) : { ...WHO, auditHead: headOf(entries) },
  );
  try {
    const { status, stdout } = await latchkey(['audit', 'verify', '--json', '--url', server.url], { env });
    expect([status, JSON.parse(stdout)]).toEqual([1, { workspace: 'default', outcome, seq }]);
  } finally {
    server.close();
  }
});

test('says to a key of a project that it sees only a part', async () => {
  const { body } = await service.query('mutation { createProject(input: { name: "p" }) { project { id } } }');
  const { token } = await createKey(service, { scopes: ['admin'], projectId: body.data.createProject.project.id });
  const { status, stderr } = await latchkey(['audit', 'verify'], { env: { ...env, LATCHKEY_API_KEY: token } });
  expect([status, stderr]).toEqual([4, expect.stringContaining('bound to a project')]);
});

test('tail --follow prints new entries, once each, until Ctrl-C', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'audit', 'tail', '-f', '-n', '1', '--interval', '1', '--json'], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    let text = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (errors += part));
    const seqs = (): number[] =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).seq);
    await until(() => seqs().length === 1);
    const made = await Promise.all([1, 2, 3].map(() => createKey(service)));
    await until(() => seqs().length === 4);
    const first = seqs()[0] ?? 0;
    expect(seqs()).toEqual([first, first + 1, first + 2, first + 3]);
    for (const { id } of made) expect(text).toContain(id);
    child.kill('SIGINT');
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect([code, signal, errors]).toEqual([null, 'SIGINT', '']);
  } finally {
    child.kill('SIGKILL');
  }
});

interface Entry {
  readonly seq: number;
  readonly hash: string;
  readonly subject: string;
  readonly after: unknown;
}

/** The stored head, from before the log was changed. */
function headOf(entries: readonly Entry[]): object | null {
  const { seq, hash } = entries.reduce((last, entry) => (entry.seq > last.seq ? entry : last));
  return { seq, hash, archived: null };
}

const WHO = { viewer: { workspace: { id: 'default' }, project: null } };

/** Pages like the API: the newest first, before the position of the cursor. */
function page(entries: readonly Entry[], { first, after }: Record<string, unknown>) {
  const before = after === null ? Infinity : Number(after);
  const nodes = entries.filter(({ seq }) => seq < before).sort((a, b) => b.seq - a.seq);
  return { auditLog: { nodes: nodes.slice(0, Number(first)) } };
}
