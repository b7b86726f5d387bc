import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, startService, type TestService } from '../support/service.js';
import { PROGRAM } from './latchkey.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';
import { run as runProgram } from '../support/run.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-named-'));
let service: TestService;
let env: Record<string, string>;
let id: string;
const socket = createServer();
beforeAll(async () => {
  service = await startService({ dataDir: join(dir, 'data') });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken, DATA_DIR: join(dir, 'data') };
  id = (await createKey(service)).id;
  await once(socket.listen(join(dir, 'socket')), 'listening');
});
afterAll(async () => {
  socket.close();
  await service.close();
  rmSync(dir, { recursive: true, force: true });
});

const run = (...args: string[]) => latchkey(args, { env, cwd: dir });
const bash = (script: string) =>
  runProgram('bash', ['-c', `latchkey() { node ${JSON.stringify(PROGRAM)} "$@"; }; ${script}`], { env, cwd: dir });
const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le');
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(dir, name), content);
  return name;
};
const row = (name: string) => JSON.stringify({ digest: 'ab'.repeat(32), name, scopes: 'read', expiresAt: null });

/** Each way for a command to name a text file, by its name. */
const COMMANDS: readonly (readonly [string, (path: string) => readonly string[]])[] = [
  ['the head', (path) => ['audit', 'verify', '--head', path]],
  ['the heads', (path) => ['audit', 'verify', '--heads', path]],
  ['the document', (path) => ['explain', path, '--key', id]],
  ['the rows', (path) => ['import', path, '--from', 'sha256']],
  ['the mapping', (path) => ['import', file('rows.jsonl', row('a')), '--from', 'sha256', '--mapping', path]],
  ['the schema', (path) => ['import', file('rows.jsonl', row('a')), '--from', 'sha256', '--schema', path]],
];

describe.each(COMMANDS)('N7: %s as the file of a command', (_name, args) => {
  it.each<[string, () => string, string]>([
    ['missing', () => 'none', 'none does not exist. Correct the path.'],
    ['below a file', () => join(file('plain', 'x'), 'none'), 'does not exist: its path leads through a file'],
    ['a directory', () => '.', '. is a directory. Give the path of a file.'],
    ['a device', () => '/dev/zero', '/dev/zero is not a regular file.'],
    ['a socket', () => 'socket', 'socket is not a regular file.'],
    ['empty', () => file('empty', ''), ' is empty.'],
    ['blank', () => file('blank', ' \n\n'), ' is empty.'],
    ['in UTF-16 without a byte order mark', () => file('nul', utf16('x y').subarray(2)), 'it has NUL bytes'],
    ['in Latin-1', () => file('latin1', Buffer.from([0x61, 0xe9, 0x0a])), 'UTF-8'],
  ])('%s', async (_what, path, said) => {
    const { status, stdout, stderr } = await run(...args(path()));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/E[A-Z]{4,}:|syscall|\n.*\n/);
  });

  it('F12: a named pipe without a writer, or with a silent one', async () => {
    const pipe = join(mkdtempSync(join(dir, 'pipe-')), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const alone = await run(...args(pipe));
    const writer = openSync(pipe, constants.O_RDWR);
    try {
      for (const { status, stdout, stderr } of [alone, await run(...args(pipe))]) {
        expect([status, stdout]).toEqual([2, '']);
        expect(stderr).toContain(`${pipe} is a named pipe, not a regular file.`);
      }
    } finally {
      closeSync(writer);
    }
  });

  it('F12: a pipe that the shell opened, and files that are refused', async () => {
    // Limited: an endless pipe is refused, or fails at its first row.
    const endless = args('/dev/stdin').map((arg) => `'${arg}'`);
    const { status, stderr } = await bash(`yes 'not a head' | head -c 80000000 | latchkey ${endless.join(' ')}`);
    expect([status, stderr]).toEqual([expect.any(Number), expect.stringMatching(/\S/)]);
    expect(stderr).not.toContain('regular file');
  });
});

test('N7: the error for a mapping or a schema in another format names the line', async () => {
  const rows = file('rows.jsonl', row('a'));
  for (const [option, content, said] of [
    ['--mapping', 'a: 1\n{', 'other cannot be read at line 2, column 2: invalid YAML.'],
    ['--mapping', 'just text', 'The mapping is "just text". Allowed: a map with columns,'],
    ['--schema', 'type Query {\n  <html>', 'other, line 2, is not a schema that can be used: Syntax Error'],
    ['--schema', 'type Query { a: Missing }', 'other is not a schema that can be used: Unknown type'],
  ] as const) {
    const { status, stdout, stderr } = await run('import', rows, '--from', 'sha256', option, file('other', content));
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringContaining(said)]);
  }
});

test('N7: texts in UTF-16 with a byte order mark are read', async () => {
  const explained = await run('explain', file('a.graphql', utf16('{ viewer { workspace { id } } }')), '--key', id);
  expect([explained.status, explained.stdout]).toEqual([0, expect.stringContaining('Allowed')]);
  const rows = file('utf16.jsonl', utf16(`${row('grün')}\n`));
  const mapping = file('mapping.yaml', utf16('scopes: { read: read:assets }\n'));
  const imported = await run('import', rows, '--from', 'sha256', '--mapping', mapping, '--json');
  expect([imported.stderr, imported.status, JSON.parse(imported.stdout)]).toMatchObject([
    expect.any(String),
    0,
    { rows: 1, imported: 1, problemCount: 0 },
  ]);
});

test('N7: the output of verify and verify --json is accepted as a head, also through a pipe', async () => {
  const [text, json] = [await run('audit', 'verify'), await run('audit', 'verify', '--json')];
  for (const [name, content] of [
    ['head.txt', text.stdout],
    ['head.json', json.stdout],
    ['head.utf16', utf16(json.stdout)],
  ] as const) {
    expect((await run('audit', 'verify', '--head', file(name, content))).status).toBe(0);
  }
  const forged = JSON.parse(json.stdout) as { workspace: string; head: string };
  file('forged.json', JSON.stringify({ ...forged, head: 'f'.repeat(64) }));
  expect((await run('audit', 'verify', '--head', 'forged.json')).status).toBe(1);
  file('other.json', JSON.stringify({ ...forged, workspace: 'ws_other' }));
  const other = await run('audit', 'verify', '--head', 'other.json');
  expect([other.status, other.stderr]).toEqual([
    2,
    '--head belongs to the workspace ws_other, but the key belongs to default. Use a key of that workspace.\n',
  ]);
  for (const piped of [
    '--head <(cat head.txt)',
    '--head /dev/stdin < head.txt',
    '--head /proc/self/fd/3 3< <(cat head.txt)',
  ]) {
    expect(await bash(`latchkey audit verify ${piped}`)).toMatchObject({ status: 0 });
  }
  expect(await bash('cat head.txt | latchkey audit verify --head /dev/stdin')).toMatchObject({ status: 0 });
  expect(readFileSync(join(dir, 'head.txt'), 'utf8')).toBe(text.stdout);
});

test('N7: a key in a file or on standard input in UTF-16 is refused with the reason', async () => {
  const path = join(dir, file('key', utf16(service.adminToken)));
  const { LATCHKEY_URL } = env as { LATCHKEY_URL: string };
  const named = await latchkey(['whoami'], { env: { LATCHKEY_URL, LATCHKEY_API_KEY_FILE: path } });
  expect([named.status, named.stderr]).toEqual([
    2,
    expect.stringContaining('LATCHKEY_API_KEY_FILE is "' + path + '", which is in UTF-16, not in UTF-8.'),
  ]);
  const piped = await latchkey(['whoami', '--key-stdin'], { env: { LATCHKEY_URL }, input: utf16(service.adminToken) });
  expect([piped.status, piped.stderr]).toEqual([2, 'Standard input is not in UTF-8. Write the key in UTF-8.\n']);
  for (const { stderr } of [named, piped]) expect(stderr).not.toContain(service.adminToken.slice(12));
});
