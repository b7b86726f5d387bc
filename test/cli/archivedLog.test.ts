import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { hashOf, type AuditEntry } from '../../src/core/store/audit.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

const DAY = 24 * 60 * 60_000;
let dir = '';
let service: TestService;
let env: Record<string, string>;
let chain: readonly AuditEntry[];
/** How far the clock is set back. */
let shift = 3 * DAY;

/**
 * Entries from three days ago are in the first archive, those from two days ago in the second one, and the newest in
 * the store.
 */
let [first, second] = ['', ''];
const ends = { first: 0, second: 0 };

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-archived-'));
  service = await startService({
    dataDir: join(dir, 'data'),
    env: { DEFAULT_TIER: 'ENTERPRISE' },
    now: () => Date.now() - shift,
  });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken, DATA_DIR: join(dir, 'data') };
  [first, second] = [join(dir, 'a.jsonl'), join(dir, 'b.jsonl.gz')];
  for (let i = 0; i < 3; i++) await createKey(service);
  shift = 2 * DAY;
  for (let i = 0; i < 3; i++) await createKey(service);
  shift = 0;
  for (let i = 0; i < 2; i++) await createKey(service);
  chain = await service.service.store.audit.read('default', 0, 1_000);
  for (const [before, file] of [
    ['60h', first],
    ['1d', second],
  ] as const) {
    const { status, stderr } = await run('audit', 'archive', '--before', before, '--to', file);
    expect([status, stderr]).toEqual([0, '']);
  }
  ends.first = chain.filter(({ at }) => at < Date.now() - 2.5 * DAY).length;
  ends.second = chain.filter(({ at }) => at < Date.now() - DAY).length;
});
afterAll(async () => {
  await service.close();
  rmSync(dir, { recursive: true });
});

const run = (...args: string[]) => latchkey(args, { env: { ...env, XDG_STATE_HOME: join(dir, 'state') }, cwd: dir });
const verify = (...args: string[]) => run('audit', 'verify', ...args);
const headAt = (seq: number): string => `${seq}:${chain[seq - 1]?.hash}`;

test('X11: verify checks archives and the log in the store as one chain, in any order of the files', async () => {
  const { status, stdout, stderr } = await verify('--archive', second, first, '--head', headAt(2));
  const entries = chain.length + 2;
  expect(stdout).toMatch(
    new RegExp(
      `^The log is intact: ${entries} entries, ${ends.second} of them archived\\. Head: ${entries}:[0-9a-f]{64}\n$`,
    ),
  );
  expect([status, stderr]).toEqual([0, expect.stringContaining(`Checked entries 1 to ${ends.second} in 2 archives.`)]);
});

test('X11: without the archives the rest is verified, and a head in them is refused instead of ignored', async () => {
  expect((await verify()).status).toBe(0);
  expect((await verify('--head', headAt(ends.second))).status).toBe(0);
  const { status, stdout, stderr } = await verify('--head', headAt(2));
  expect([status, stdout, stderr]).toEqual([
    2,
    '',
    "Entry 2, of --head, was archived and can't be compared. Give the archives with --archive.\n",
  ]);
});

test('X11: an archive that was altered or cut off is a broken log: exit code 1, with the file and the entry', async () => {
  const altered = join(dir, 'altered.jsonl');
  const packed = join(dir, 'altered.jsonl.gz');
  const text = readFileSync(first, 'utf8');
  const subject = chain[1]?.subject ?? '';
  writeFileSync(altered, text.replaceAll(subject, 'key_other'));
  writeFileSync(
    packed,
    gzipSync(gunzipSync(readFileSync(second)).toString().replace('"key.created"', '"key.revoked"')),
  );
  const cut = join(dir, 'cut.jsonl');
  writeFileSync(cut, `${text.split('\n').slice(0, 3).join('\n')}\n`);
  for (const [files, outcome, seq] of [
    [[altered, second], 'altered', 2],
    [[first, packed], 'altered', ends.first + 1],
    [[cut, second], 'missing', 3],
  ] as const) {
    const json = await verify('--archive', ...files, '--json');
    const [archive] = files.filter((file) => file !== first && file !== second);
    expect([json.status, JSON.parse(json.stdout)]).toEqual([
      1,
      { workspace: 'default', outcome, seq, archive, message: expect.stringContaining('Keep it as evidence') },
    ]);
    const { status, stdout } = await verify('--archive', ...files);
    expect([status, stdout]).toEqual([
      1,
      expect.stringMatching(`^The archive is broken: ${archive} (was changed|is cut off)`),
    ]);
  }
});

test('X11: an archive with new hashes is found by the next one, and by a head that was noted', async () => {
  const [start, ...lines] = readFileSync(first, 'utf8').trimEnd().split('\n');
  let previousHash = '0'.repeat(64);
  const forged = lines.slice(0, -1).map((line, i) => {
    const entry = JSON.parse(line) as AuditEntry;
    const changed = { ...entry, ...(i > 0 ? { previousHash } : {}), ...(i === 1 ? { subject: 'key_other' } : {}) };
    previousHash = hashOf(changed);
    return JSON.stringify({ ...changed, hash: previousHash });
  });
  const file = join(dir, 'forged.jsonl');
  const end = JSON.stringify({ head: { seq: ends.first, hash: previousHash } });
  writeFileSync(file, `${[start, ...forged, end].join('\n')}\n`);
  const unfit = await verify('--archive', file, second);
  expect([unfit.status, unfit.stdout]).toEqual([1, expect.stringContaining('does not continue after entry')]);
  const noted = await verify('--archive', file, second, '--head', headAt(2));
  expect([noted.status, noted.stdout]).toEqual([1, expect.stringContaining('entry 2 is not what was written')]);
});

test('X11: an incomplete or wrong set of archives is refused with exit code 2', async () => {
  const notes = join(dir, 'notes.txt');
  writeFileSync(notes, 'mine\n');
  for (const [files, said] of [
    [[first], `entries ${ends.first + 1} to ${ends.second} are missing from the files`],
    [[second], `entries 1 to ${ends.first} are missing from the files`],
    [[first, first, second], 'which is also in another file'],
    [[notes], 'is not an archive'],
    [[join(dir, 'none')], 'does not exist'],
  ] as const) {
    const { status, stdout, stderr } = await verify('--archive', ...files);
    expect([said, status, stdout, stderr]).toEqual([said, 2, '', expect.stringContaining(said)]);
  }
});
