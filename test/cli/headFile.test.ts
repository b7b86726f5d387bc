import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOf } from '../../src/management/audit/heads/headLine.js';
import { headsIn, keptHead } from '../../src/cli/commands/audit/headFile.js';
import { Failure } from '../../src/cli/exit.js';
import { jsonText } from '../../src/cli/visibleText.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-heads-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const hash = '0123456789abcdef'.repeat(4);
const file = (content: string | Uint8Array): string => {
  const path = join(dir, 'head.txt');
  writeFileSync(path, content);
  return path;
};
const sentence = (seq: number) => `The log is intact: ${seq} entries. Head: ${seq}:${hash}\n`;
const whole = (entries: number) => ({ workspace: 'default', outcome: 'whole', entries, head: hash });
const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le');
const faultOf = async (read: () => Promise<unknown>): Promise<string> => {
  const error = await read().then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Failure);
  expect((error as Failure).exitCode).toBe(2);
  return (error as Failure).message;
};

describe('N7: --head reads the output of verify', () => {
  it.each<[string, string | Uint8Array, string | null]>([
    ['its sentence', sentence(7), null],
    ['a head alone', `7:${hash}`, null],
    ['the last of several', sentence(3) + sentence(7), null],
    ['line breaks of Windows', `${sentence(3)}${sentence(7)}\r\n`.replaceAll('\n', '\r\n'), null],
    ['upper-case digits', `7:${hash.toUpperCase()}\n`, null],
    ['UTF-16, as PowerShell writes it', utf16(sentence(7)), null],
    ['UTF-16, big endian', utf16(sentence(7)).swap16(), null],
    ['UTF-8 with a byte order mark', `\uFEFF${sentence(7)}`, null],
    ['--json', `${jsonText(whole(7))}\n`, 'default'],
    ['--json in UTF-16', utf16(`${jsonText(whole(7))}\r\n`), 'default'],
    ['--json in one line', JSON.stringify(whole(7)), 'default'],
    ['--json several times', [3, 7].map((seq) => `${jsonText(whole(seq))}\n`).join(''), 'default'],
    ['--json behind a sentence', `${sentence(3)}${jsonText(whole(7))}\n`, 'default'],
  ])('%s', async (_what, content, workspaceId) => {
    expect(await keptHead(file(content))).toEqual({ seq: 7, hash, workspaceId });
  });

  it('as an argument', async () => {
    expect(await keptHead(` 7:${hash}`)).toEqual({ seq: 7, hash, workspaceId: null });
  });
});

describe('N7: --head explains what is wrong with the file', () => {
  it.each<[string, () => string, string]>([
    ['missing', () => join(dir, 'none'), 'does not exist. Correct the path.'],
    ['a directory', () => dir, 'is a directory.'],
    ['a device', () => '/dev/zero', 'is not a regular file.'],
    ['empty', () => file(''), 'is empty.'],
    ['blank', () => file(' \r\n\n'), 'is empty.'],
    ['too large', () => file('x'.repeat(2 ** 20 + 1)), 'has more than 1048576 bytes.'],
    ['binary', () => file(Buffer.from([0, 1, 2])), 'is not a text in UTF-8: it has NUL bytes.'],
    ['in Latin-1', () => file(Buffer.from([0xe9])), 'is not in UTF-8.'],
    ['without a head', () => file('some text\n'), 'has no head in its last line. Give a file that ends'],
    ['with another last line', () => file(`${sentence(7)}done\n`), 'has no head in its last line.'],
    ['of a broken log', () => file('The log is broken: entry 4 is missing.\n'), 'reports a broken log'],
    [
      'of a broken log, as JSON',
      () => file(jsonText({ workspace: 'default', outcome: 'missing', seq: 4 })),
      'reports a broken log',
    ],
    [
      'of an empty log',
      () => file(jsonText({ workspace: 'default', outcome: 'whole', entries: 0 })),
      'was made from an empty log',
    ],
    ['of other JSON', () => file('{"a":1}'), 'contains JSON that is not the output of audit verify --json.'],
    ['of JSON with a wrong hash', () => file(jsonText({ ...whole(7), head: 'abc' })), 'contains JSON that'],
    ['of JSON without a workspace', () => file(jsonText({ ...whole(7), workspace: 1 })), 'contains JSON that'],
    [
      'of heads that the server wrote',
      () => file(`${lineOf({ workspaceId: 'default', seq: 7, hash }, 0)}\n`),
      'is a file of heads that the server wrote. Give it with --heads.',
    ],
  ])('%s', async (_what, path, said) => {
    const given = path();
    const fault = await faultOf(() => keptHead(given));
    expect(fault).toContain(`--head: ${given} ${said}`);
    expect(fault).not.toMatch(/some text|done/);
  });

  it.each([
    ['1:abc', '--head: the hash after the colon has 3 digits. Allowed: 64.'],
    [`7:${hash.slice(1)}`, 'has 63 digits'],
    [`7:${hash}0`, 'has 65 digits'],
    [`7:${hash.slice(1)}g`, 'has characters other than 0 to 9 and a to f'],
    [`0:${hash}`, '0 is not the number of an entry'],
    [`1${'0'.repeat(20)}:${hash}`, 'is not the number of an entry'],
    ['7:', 'has 0 digits'],
    [hash, `--head: ${hash} does not exist.`],
  ])('%s, which is not a head', async (given, said) => {
    expect(await faultOf(() => keptHead(given))).toContain(said);
  });
});

describe('N7: --heads explains what is wrong with the file', () => {
  const line = lineOf({ workspaceId: 'default', seq: 7, hash }, 0);

  it('reads UTF-16 with a byte order mark', async () => {
    expect(await headsIn(file(utf16(`${line}\r\n\r\n${line}`)))).toHaveLength(2);
  });

  it.each<[string, () => string, string]>([
    ['missing', () => join(dir, 'none'), 'does not exist. Correct the path.'],
    ['a directory', () => dir, 'is a directory.'],
    ['empty', () => file(''), 'is empty.'],
    ['another line', () => file(`${line}\n\nother\n`), 'has no head in line 3. Remove the line'],
    [
      'what verify printed',
      () => file(sentence(7)),
      'has no head in line 1. Pass a file that audit verify printed with --head.',
    ],
    [
      'what verify --json printed',
      () => file(jsonText(whole(7))),
      'has no head in line 1. Pass a file that audit verify printed with --head.',
    ],
  ])('%s', async (_what, path, said) => {
    const given = path();
    expect(await faultOf(() => headsIn(given))).toContain(`--heads: ${given} ${said}`);
  });
});
