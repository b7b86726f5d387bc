import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { TokenFinder, type Find } from '../../src/cli/scan/find.js';
import { mintToken } from '../../src/keys/token.js';
import { latchkey } from './latchkey.js';

const { token } = mintToken('sk', 'LIVE');
const shown = token.slice(0, 'sk_live_'.length + 6);
/** Of the right form, with a checksum that is wrong. */
const lookalike = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;

function finds(text: string | Buffer, part: number): Find[] {
  const bytes = Buffer.from(text as string);
  const finder = new TokenFinder();
  const found: Find[] = [];
  for (let at = 0; at < bytes.length; at += part) found.push(...finder.push(bytes.subarray(at, at + part)));
  return [...found, ...finder.end()];
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

test('what only looks like a token is none', () => {
  expect(finds(`${lookalike}\n${token.toUpperCase()}\n${token.slice(0, -1)}`, 16)).toEqual([]);
});

test('however it is cut into parts, the same is found', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom(token, lookalike, '\n', 'sk_live_', 'é', mintToken('abc9', 'TEST').token),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.integer({ min: 1, max: 200 }), (words, part) => {
      const text = words.join('');
      expect(finds(text, part)).toEqual(finds(text, 1_000_000));
      // What stands apart is found, however the rest looks.
      const apart = words.filter((one) => one === token).length;
      expect(finds(words.join('\n'), part).filter(({ prefix }) => prefix === shown)).toHaveLength(apart);
    }),
  );
});

describe('the command', () => {
  let dir: string;
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'latchkey-scan-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('shows place and prefix, never the secret, and passes over what is not to be read', async () => {
    for (const name of ['b', 'node_modules/p', '.git', 'links']) mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, 'a.env'), `X=1\nKEY=${token}\n`);
    writeFileSync(join(dir, 'b', 'utf16.txt'), Buffer.from(`\ufeffset ${token}\r\n`, 'utf16le'));
    writeFileSync(join(dir, 'b', 'binary'), Buffer.concat([Buffer.from([0, 1]), Buffer.from(token)]));
    for (const name of ['node_modules/p/x', '.git/x']) writeFileSync(join(dir, name), token);
    symlinkSync('..', join(dir, 'links', 'round'));
    // Nobody writes to it: who opens it waits for ever.
    execFileSync('mkfifo', [join(dir, 'b', 'pipe')]);
    writeFileSync(join(dir, 'b', 'evil\u001b[2J\n.txt'), token);

    const { status, stdout, stderr } = await latchkey(['scan', '.'], { cwd: dir });
    expect(status).toBe(1);
    expect(stdout.trimEnd().split('\n')).toEqual([
      `a.env:2:5: ${shown}`,
      `b/evil\\u{1b}[2J\\u{a}.txt:1:1: ${shown}`,
      `b/utf16.txt:1:5: ${shown}`,
    ]);
    expect(stderr).toBe('4 files, 3 tokens.\n');
    expect(stdout + stderr).not.toContain(token);

    const json = await latchkey(['scan', '--json', 'a.env', 'gone'], { cwd: dir });
    expect([json.status, JSON.parse(json.stdout)]).toEqual([
      1,
      { findings: [{ file: 'a.env', line: 2, column: 5, prefix: shown }], unreadable: ['gone'], files: 1, more: false },
    ]);
  });

  test('a clean tree ends with 0, and so does clean standard input', async () => {
    writeFileSync(join(dir, 'clean'), lookalike);
    expect(await latchkey(['scan', 'clean'], { cwd: dir })).toEqual({
      status: 0,
      stdout: '',
      stderr: '1 files, 0 tokens.\n',
    });
    expect((await latchkey(['scan', '-'], { input: `+KEY=${token}\n` })).stdout).toBe(`-:1:6: ${shown}\n`);
  });

  test('memory is bounded, whatever a file holds', async () => {
    // One line of 60 MB, in a process that may have 32 MB of objects.
    const script = `head -c 60000000 /dev/zero | tr '\\0' 'a' | node --max-old-space-size=32 ${JSON.stringify(process.cwd())}/dist/cli/main.js scan -`;
    const out = execFileSync('bash', ['-c', `${script} 2>&1`], { encoding: 'utf8' });
    expect(out).toBe('1 files, 0 tokens.\n');
  });
});
