import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { TokenFinder, type Find } from '../../src/cli/scan/tokenFinder.js';
import { tokensIn, type Kind } from '../../src/cli/scan/scannedContent.js';
import { mintToken } from '../../src/core/keys/token.js';
import { run } from '../support/run.js';
import { PROGRAM } from './latchkey.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

const { token } = mintToken('lks', 'LIVE');
const shown = token.slice(0, 'lks_live_'.length + 6);
/** In the right format, but with a wrong checksum. */
const lookalike = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;

function finds(text: string | Buffer, part: number): Find[] {
  const bytes = Buffer.from(text as string);
  const finder = new TokenFinder();
  const found: Find[] = [];
  for (let at = 0; at < bytes.length; at += part) found.push(...finder.push(bytes.subarray(at, at + part)));
  return found;
}

test.each([
  ['alone', token, 1, 1],
  ['after lines', `a\r\nb\n  key=${token}\n`, 3, 7],
  ['after characters of several bytes', `ключ 🔑 "${token}"`, 1, 9],
  ['after a letter that is none of it, as in JSON', `{"log":"a\\n${token}"}`, 1, 12],
  ['behind a lookalike that holds its beginning', `${lookalike.slice(0, -2)}${token}`, 1, lookalike.length - 1],
])('a token %s', (_, text, line, column) => {
  for (const part of [1, 7, 64, 1_000]) expect(finds(text, part)).toEqual([{ line, column, prefix: shown }]);
});

test.each(['sk', 'ck', 'rk'])('finds a token with the earlier default prefix %s', (prefix) => {
  const legacy = mintToken(prefix, 'TEST').token;
  expect(finds(`key: ${legacy}`, 64)).toEqual([{ line: 1, column: 6, prefix: legacy.slice(0, 14) }]);
});

test('ignores text that only looks like a token', () => {
  expect(finds(`${lookalike}\n${token.toUpperCase()}\n${token.slice(0, -1)}`, 16)).toEqual([]);
});

test('finds the same tokens, however the text is split into chunks', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom(token, lookalike, '\n', 'lks_live_', 'é', mintToken('abc9', 'TEST').token),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.integer({ min: 1, max: 200 }), (words, part) => {
      const text = words.join('');
      expect(finds(text, part)).toEqual(finds(text, 1_000_000));
      // A separate word is found, whatever the rest of the text is.
      const apart = words.filter((one) => one === token).length;
      expect(finds(words.join('\n'), part).filter(({ prefix }) => prefix === shown)).toHaveLength(apart);
    }),
  );
});

/** The matches in a content, read in chunks of this length, and its kind. */
async function read(bytes: Uint8Array, part: number): Promise<{ finds: Find[]; kinds: Kind[] }> {
  async function* parts() {
    for (let at = 0; at < bytes.length; at += part) yield bytes.subarray(at, at + part);
  }
  const kinds: Kind[] = [];
  const found: Find[] = [];
  for await (const find of tokensIn(parts(), (kind) => kinds.push(kind))) found.push(find);
  return { finds: found, kinds };
}

describe('F12: the content of files', () => {
  const swapped = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
  const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
  const text = `PATH=x\r\nKEY=${token}\r\n`;

  test.each([
    ['UTF-16LE', utf16(text)],
    ['UTF-16BE', swapped(utf16(text))],
    ['UTF-16LE with a byte order mark', utf16(`\ufeff${text}`)],
    ['UTF-16BE with a byte order mark', swapped(utf16(`\ufeff${text}`))],
    ['UTF-16LE with letters of other scripts', utf16(`# ключи и пароли\r\nKEY=${token}\r\n`)],
    ['UTF-8', Buffer.from(text)],
  ])('finds a token in %s with its position, wherever the chunks are cut', async (_, bytes) => {
    for (const part of [1, 2, 3, 63, 64, 1_000]) {
      expect(await read(bytes, part)).toEqual({ finds: [{ line: 2, column: 5, prefix: shown }], kinds: ['text'] });
    }
  });

  test.each([
    [
      'UTF-32LE',
      Buffer.concat(
        `\ufeff${text}`.split('').map((one) => Buffer.from([one.charCodeAt(0) & 255, one.charCodeAt(0) >> 8, 0, 0])),
      ),
    ],
    ['text of mostly other scripts in UTF-16', utf16('密码'.repeat(500) + text)],
    ['a binary file', Buffer.concat([Buffer.from([0, 1, 2, 0, 0, 3]), Buffer.from(token), Buffer.from([0, 0])])],
    [
      'UTF-16 behind text of another encoding',
      Buffer.concat([Buffer.from('log of today\n'.repeat(1_000)), utf16(token)]),
    ],
    ['UTF-16 at an odd place', Buffer.concat([Buffer.from('+'), utf16(`KEY=${token}`), Buffer.from('\n')])],
    ['ASCII behind UTF-16', Buffer.concat([utf16('\ufeffset a\r\n'), Buffer.from(`KEY=${token}\n`)])],
    ['ASCII at an odd place behind UTF-16', Buffer.concat([utf16('\ufeffset a\r\n'), Buffer.from(`\nKEY=${token}\n`)])],
  ])('finds a token in %s', async (_, bytes) => {
    for (const part of [1, 7, 64, 9_000]) {
      const { finds } = await read(bytes, part);
      expect(finds.map(({ prefix }) => prefix)).toEqual([shown]);
    }
  });

  test('finds each token of a UTF-16 text once, as often as it occurs', async () => {
    const twice = utf16(`${token} ${lookalike}\n${token}`);
    expect((await read(twice, 10)).finds).toEqual([
      { line: 1, column: 1, prefix: shown },
      { line: 2, column: 1, prefix: shown },
    ]);
  });

  test.each([
    ['gzip', gzipSync(token)],
    ['zip', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.from(token)])],
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0])],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
    ['bzip2', Buffer.from('BZh91AY')],
    ['7z', Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c])],
    ['PDF', Buffer.from('%PDF-1.7')],
  ])('reports %s as compressed, without reading it', async (_, bytes) => {
    for (const part of [1, 1_000]) expect(await read(bytes, part)).toEqual({ finds: [], kinds: ['compressed'] });
  });

  test.each([
    ['nothing', '', 'text'],
    ['one byte', 'a', 'text'],
    ['what begins as gzip does, cut short', '\x1f', 'text'],
    ['a NUL', '\0', 'binary'],
  ] as const)('%s is %j: %s', async (_, bytes, kind) => {
    expect(await read(Buffer.from(bytes, 'latin1'), 1)).toEqual({ finds: [], kinds: [kind] });
  });
});

describe('the command', () => {
  let dir: string;
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'latchkey-scan-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test("prints position and prefix, never the secret, and skips what can't be scanned", async () => {
    for (const name of ['b', 'node_modules/p', '.git', 'links']) mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, 'a.env'), `X=1\nKEY=${token}\n`);
    writeFileSync(join(dir, 'b', 'utf16.txt'), Buffer.from(`\ufeffset ${token}\r\n`, 'utf16le'));
    writeFileSync(join(dir, 'b', 'binary'), Buffer.concat([Buffer.from([0, 1]), Buffer.from(token)]));
    for (const name of ['node_modules/p/x', '.git/x']) writeFileSync(join(dir, name), token);
    symlinkSync('..', join(dir, 'links', 'round'));
    // It has no writer: opening it blocks forever.
    execFileSync('mkfifo', [join(dir, 'b', 'pipe')]);
    writeFileSync(join(dir, 'b', 'evil\u001b[2J\n.txt'), token);

    const { status, stdout, stderr } = await latchkey(['scan', '.'], { cwd: dir });
    expect(status).toBe(1);
    expect(stdout.trimEnd().split('\n')).toEqual([
      `a.env:2:5: ${shown}`,
      `b/binary:1:2: ${shown}`,
      `b/evil\\u{1b}[2J\\u{a}.txt:1:1: ${shown}`,
      `b/utf16.txt:1:5: ${shown}`,
    ]);
    expect(stderr.split('\n')).toEqual([
      'b/binary: binary, searched for plain tokens only.',
      'b/pipe: neither a file nor a directory, not scanned.',
      'links/round: link, not followed.',
      '4 files: 3 scanned, 1 binary. 2 other entries not scanned. 4 tokens in 4 files.',
      '',
    ]);
    expect(stdout + stderr).not.toContain(token);

    const json = await latchkey(['scan', '--json', 'a.env', 'gone'], { cwd: dir });
    expect([json.status, JSON.parse(json.stdout)]).toEqual([
      1,
      {
        findings: [{ file: 'a.env', line: 2, column: 5, prefix: shown }],
        unreadable: [{ file: 'gone', reason: 'does not exist' }],
        notScanned: [],
        files: 1,
        filesWithTokens: 1,
        counts: { scanned: 1, unreadable: 1 },
        more: false,
      },
    ]);
  });

  test('exits with 0 for a clean tree and for clean standard input', async () => {
    writeFileSync(join(dir, 'clean'), lookalike);
    expect(await latchkey(['scan', 'clean'], { cwd: dir })).toEqual({
      status: 0,
      stdout: '',
      stderr: '1 file scanned. 0 tokens.\n',
    });
    expect((await latchkey(['scan', '-'], { input: `+KEY=${token}\n` })).stdout).toBe(`-:1:6: ${shown}\n`);
  });

  test('F12: lists what was not scanned, and has a separate exit code if nothing was', async () => {
    writeFileSync(join(dir, 'a.txt.gz'), gzipSync(token));
    writeFileSync(join(dir, 'b.bin'), Buffer.from([0, 1, 2]));
    const all = await latchkey(['scan', '.'], { cwd: dir });
    expect([all.status, all.stdout, all.stderr]).toEqual([
      7,
      '',
      'a.txt.gz: compressed, not scanned.\nb.bin: binary, searched for plain tokens only.\n2 files: 1 binary, 1 compressed. 0 tokens.\n',
    ]);
    expect((await latchkey(['scan', 'gone'], { cwd: dir })).status).toBe(7);
    expect((await latchkey(['scan', '-'], { input: '\0\0' })).status).toBe(7);
    writeFileSync(join(dir, 'c.txt'), 'clean');
    const some = await latchkey(['scan', '--json', '.'], { cwd: dir });
    expect([some.status, JSON.parse(some.stdout)]).toEqual([
      0,
      {
        findings: [],
        unreadable: [],
        notScanned: [
          { file: 'a.txt.gz', reason: 'compressed' },
          { file: 'b.bin', reason: 'binary' },
        ],
        files: 2,
        filesWithTokens: 0,
        counts: { compressed: 1, binary: 1, scanned: 1 },
        more: false,
      },
    ]);
    expect((await latchkey(['scan', '.', 'gone'], { cwd: dir })).status).toBe(1);
    writeFileSync(join(dir, 'd.txt'), Buffer.from(`KEY=${token}`, 'utf16le'));
    expect(await latchkey(['scan', 'd.txt'], { cwd: dir })).toMatchObject({
      status: 1,
      stdout: `d.txt:1:5: ${shown}\n`,
    });
    for (let i = 0; i < 60; i += 1) writeFileSync(join(dir, `e${i}`), '\0');
    const many = (await latchkey(['scan', '.'], { cwd: dir })).stderr.trimEnd().split('\n');
    expect([many.length, many.at(-2)]).toEqual([52, '12 more were not scanned; --json lists them.']);
  });

  test('N14: the counts add up for any files', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, name), `${token}\n`);
    for (const name of ['d', 'e'])
      writeFileSync(join(dir, name), Buffer.concat([Buffer.from([0, 1]), Buffer.from(token)]));
    writeFileSync(join(dir, 'f.gz'), gzipSync(token));
    symlinkSync('a', join(dir, 'link'));
    const { status, stderr } = await latchkey(['scan', '.', 'gone', 'a/b'], { cwd: dir });
    expect(status).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'gone: does not exist.',
      'a/b: does not exist: its path leads through a file.',
      ...['d', 'e'].map((name) => `${name}: binary, searched for plain tokens only.`),
      'f.gz: compressed, not scanned.',
      'link: link, not followed.',
      '8 files: 3 scanned, 2 binary, 1 compressed, 2 unreadable. 1 other entry not scanned. 5 tokens in 5 files.',
    ]);
    const json = JSON.parse((await latchkey(['scan', '.', 'gone', '--json'], { cwd: dir })).stdout);
    expect(json).toMatchObject({
      unreadable: [{ file: 'gone', reason: 'does not exist' }],
      files: 5,
      filesWithTokens: 5,
      counts: { scanned: 3, binary: 2, compressed: 1, link: 1, unreadable: 1 },
    });
    expect(json.findings).toHaveLength(5);
    expect(new Set(json.findings.map(({ file }: { file: string }) => file)).size).toBe(json.filesWithTokens);
  });

  test('N14: prints the reason for a path that does not exist, and exits as documented', async () => {
    writeFileSync(join(dir, 'clean'), 'clean');
    const gone = await latchkey(['scan', 'gone'], { cwd: dir });
    expect(gone).toEqual({ status: 7, stdout: '', stderr: 'gone: does not exist.\n1 file unreadable. 0 tokens.\n' });
    const both = await latchkey(['scan', 'gone', 'clean'], { cwd: dir });
    expect(both).toEqual({
      status: 1,
      stdout: '',
      stderr: 'gone: does not exist.\n2 files: 1 scanned, 1 unreadable. 0 tokens.\n',
    });
    const reference = readFileSync(join(process.cwd(), 'docs/reference/cli.md'), 'utf8');
    expect(reference).toMatch(/\| 1 \| `scan` found tokens, or could not read some of the files;/);
    expect(reference).toMatch(/\| 7 \| `scan` found no token and could not scan any file as text/);
    expect((await latchkey(['scan', '.'], { cwd: mkdtempSync(join(dir, 'empty-')) })).stderr).toBe(
      '0 files scanned. 0 tokens.\n',
    );
  });

  test('N14: does not wait for a device or a socket', async () => {
    const socket = createServer().listen(join(dir, 'socket'));
    try {
      for (const path of ['/dev/null', '/dev/zero', 'socket']) {
        expect(await latchkey(['scan', path], { cwd: dir })).toEqual({
          status: 7,
          stdout: '',
          stderr: `${path}: is not a regular file.\n1 file unreadable. 0 tokens.\n`,
        });
      }
      // The path is not one that was named.
      expect(await latchkey(['scan', '.'], { cwd: dir })).toMatchObject({
        stderr: expect.stringContaining('socket: neither a file nor a directory, not scanned.'),
      });
    } finally {
      socket.close();
    }
  });

  test('F12: lists a named pipe and does not wait for it, with or without a writer', async () => {
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    writeFileSync(join(dir, 'clean'), 'clean');
    symlinkSync('pipe', join(dir, 'link'));
    const alone = await latchkey(['scan', 'pipe'], { cwd: dir });
    const named = 'pipe: is a named pipe, not a regular file.';
    expect(alone).toEqual({ status: 7, stdout: '', stderr: `${named}\n1 file unreadable. 0 tokens.\n` });
    const writer = openSync(join(dir, 'pipe'), constants.O_RDWR);
    try {
      expect(await latchkey(['scan', 'pipe'], { cwd: dir })).toEqual(alone);
      expect(await latchkey(['scan', 'clean', 'pipe', 'link'], { cwd: dir })).toEqual({
        status: 1,
        stdout: '',
        stderr: `${named}\n${named.replace('pipe', 'link')}\n3 files: 1 scanned, 2 unreadable. 0 tokens.\n`,
      });
      expect(await latchkey(['scan', '.'], { cwd: dir })).toEqual({
        status: 0,
        stdout: '',
        stderr:
          'link: link, not followed.\npipe: neither a file nor a directory, not scanned.\n1 file scanned. 2 other entries not scanned. 0 tokens.\n',
      });
    } finally {
      closeSync(writer);
    }
  });

  test.each([
    ['<(echo "KEY=$TOKEN")', 1],
    ['/dev/stdin < <(echo "KEY=$TOKEN")', 1],
    ['/dev/stdin < token', 1],
    ['/proc/self/fd/9 9< <(echo "KEY=$TOKEN")', 1],
    ['<(true)', 0],
    // The program's own output, its descriptors, and no file.
    ['/dev/stdout', 7],
    ['/dev/fd/99', 7],
    ['/dev/fd/10 /dev/fd/11 /dev/fd/12 /dev/fd/13 /dev/fd/14 /dev/fd/15', 7],
  ])('F12: reads pipes that the shell opened: %s', async (piped, status) => {
    writeFileSync(join(dir, 'token'), `KEY=${token}\n`);
    const script = `node ${JSON.stringify(PROGRAM)} scan ${piped}`;
    const ran = await run('bash', ['-c', script], { cwd: dir, env: { TOKEN: token } });
    expect([ran.status, ran.stdout]).toEqual([status, status === 1 ? expect.stringMatching(`:1:5: ${shown}\n$`) : '']);
  });

  test('F12: finds an encoded token in a file, without printing its secret', async () => {
    const encoded = {
      'link.txt': token.replaceAll('_', '%5F'),
      'page.html': token.replaceAll('_', '&#95;'),
      'secret.yaml': Buffer.from(token).toString('base64'),
      'utf16.json': Buffer.from(`\ufeff"${token.replaceAll('_', '\\u005f')}"`, 'utf16le'),
    };
    for (const [name, content] of Object.entries(encoded)) writeFileSync(join(dir, name), content);
    const { status, stdout, stderr } = await latchkey(['scan', '.'], { cwd: dir });
    expect([status, stdout.trimEnd().split('\n')]).toEqual([
      1,
      ['link.txt:1:1', 'page.html:1:1', 'secret.yaml:1:1', 'utf16.json:1:2'].map((place) => `${place}: ${shown}`),
    ]);
    const secret = token.slice('lks_live_'.length + 16);
    for (let at = 0; at + 8 <= secret.length; at++) expect(stdout + stderr).not.toContain(secret.slice(at, at + 8));
  });

  test('memory is bounded for any file', async () => {
    // One line of 60 MB, in a process that may use 32 MB for objects.
    const script = `head -c 60000000 /dev/zero | tr '\\0' 'a' | node --max-old-space-size=32 ${JSON.stringify(process.cwd())}/dist/cli/main.js scan -`;
    const out = execFileSync('bash', ['-c', `${script} 2>&1`], { encoding: 'utf8' });
    expect(out).toBe('1 file scanned. 0 tokens.\n');
  });
});
