import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pepperOfDirectory } from '../../../src/core/keys/pepper.js';
import { readCertificate } from '../../../src/server/net/certificate.js';
import { readSettings } from '../../../src/server/settings/settings.js';
import { FileFault, fileFaultOf, readTextFile, readWholeFile } from '../../../src/shared/files/wholeFile.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-files-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = (content: string | Buffer, name = 'file'): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};
const pipe = join(dir, 'pipe');
beforeAll(() => void execFileSync('mkfifo', [pipe]));

describe('R10: a file is read completely, or refused by name', () => {
  it('with the maximum number of bytes, and without a byte order mark', () => {
    expect(readWholeFile(file('x'.repeat(10)), 10).toString()).toBe('x'.repeat(10));
    expect(readTextFile(file('\uFEFFtext'), 10)).toBe('text');
    expect(readTextFile(file(''), 10)).toBe('');
  });

  it.each<[string, () => string, RegExp]>([
    ['too large', () => file('x'.repeat(11)), /^has more than 10 bytes$/],
    ['a directory', () => dir, /^is a directory$/],
    ['missing', () => join(dir, 'gone'), /^does not exist$/],
    ['a pipe that nobody writes to', () => pipe, /^is not a regular file$/],
    ['endless', () => '/dev/zero', /^is not a regular file$/],
    ['in UTF-16', () => file(Buffer.from('\uFEFFa: 1', 'utf16le')), /^is in UTF-16, not in UTF-8$/],
    ['in Latin-1', () => file(Buffer.from([0x61, 0xe9])), /^is not in UTF-8$/],
  ])('%s', (_what, path, message) => {
    const read = (): unknown => readTextFile(path(), 10);
    expect(read).toThrow(FileFault);
    expect(read).toThrow(message);
  });
});

describe('R10: every file that the settings name', () => {
  it.each([
    ['a pipe', pipe, 'which is not a regular file. Allowed: a YAML file in UTF-8 of at most 1000000 bytes.'],
    ['endless', '/dev/zero', 'which is not a regular file.'],
    ['a directory', dir, 'which is a directory. Allowed: a YAML file in UTF-8'],
  ])('LATCHKEY_CONFIG that is %s', (_what, path, fault) => {
    expect(() => readSettings({ LATCHKEY_CONFIG: path })).toThrow(`LATCHKEY_CONFIG is "${path}", ${fault}`);
  });

  it('latchkey.yaml with an alias of itself is reported with the line', () => {
    const path = file('roles:\n  analyst: &x [*x]\n', 'latchkey.yaml');
    expect(() => readSettings({ LATCHKEY_CONFIG: path })).toThrow(
      `${path} uses an alias at line 2, column 16 that refers to a value that it is part of. Write the value instead of the alias.`,
    );
  });

  it('a certificate and the pepper', () => {
    expect(() => readCertificate({ cert: '/dev/zero', key: pipe })).toThrow(
      'TLS_CERT: /dev/zero is not a regular file.',
    );
    expect(() => readCertificate({ cert: pipe, key: pipe })).toThrow(`TLS_CERT: ${pipe} is not a regular file.`);
    file(Buffer.from([0xff, 0xfe, 0x61]), 'pepper');
    expect(() => pepperOfDirectory(dir)).toThrow(
      `DATA_DIR contains the pepper ${join(dir, 'pepper')}, which is in UTF-16, not in UTF-8.`,
    );
    file('x'.repeat(20_000), 'pepper');
    expect(() => pepperOfDirectory(dir)).toThrow('has more than 10000 bytes');
  });
});

describe('N7: an error about a file contains the problem and the remedy', () => {
  it.each<[string, () => string, string]>([
    ['missing', () => join(dir, 'gone'), 'does not exist. Correct the path.'],
    ['below a file', () => join(file('x'), 'gone'), 'does not exist: its path leads through a file. Correct the path.'],
    ['a long path', () => join(dir, 'x'.repeat(300)), 'has a path that is too long. Correct the path.'],
    ['a link to itself', () => join(dir, 'loop'), 'is a symbolic link that leads back to itself. Correct the path.'],
    ['a directory', () => dir, 'is a directory. Give the path of a file.'],
    ['UTF-16', () => file(Buffer.from('\uFEFFa', 'utf16le')), 'is in UTF-16, not in UTF-8. Save it as UTF-8.'],
    [
      'UTF-16 without a byte order mark',
      () => file(Buffer.from('a', 'utf16le')),
      'is not a text in UTF-8: it has NUL bytes. Save it as UTF-8.',
    ],
  ])('%s', (_what, path, said) => {
    symlinkSync(join(dir, 'loop'), join(dir, 'loop'));
    try {
      readTextFile(path(), 10);
      throw new Error('It was read.');
    } catch (error) {
      expect(`${(error as FileFault).message}. ${(error as FileFault).remedy}`).toBe(said);
    } finally {
      rmSync(join(dir, 'loop'));
    }
  });

  it.each(['EACCES', 'EPERM'])('%s', (code) => {
    const { message, remedy } = fileFaultOf(Object.assign(new Error('secret'), { code }));
    expect(`${message}. ${remedy}`).toBe('cannot be read: permission denied. Let this process read it.');
  });
});
