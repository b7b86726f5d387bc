import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDirectory, writeFaultOf } from '../../../src/shared/files/makeDirectory.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-directory-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('N17: creates a directory and its parent directories, for the owner only', () => {
  const deep = join(dir, 'a', 'b', 'c');
  makeDirectory(deep, 0o700);
  makeDirectory(deep, 0o700);
  for (const path of [deep, join(dir, 'a')]) expect(statSync(path).mode & 0o777).toBe(0o700);
  symlinkSync(deep, join(dir, 'link'));
  makeDirectory(join(dir, 'link', 'd'), 0o700);
  expect(statSync(join(deep, 'd')).isDirectory()).toBe(true);
});

test('N17: reports a directory that cannot be created immediately, with a remedy', () => {
  writeFileSync(join(dir, 'file'), '');
  symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'));
  const faults: readonly [path: string, message: string][] = [
    ['/proc/x', 'does not exist and cannot be created there'],
    ['/proc/self/x/y/z', 'does not exist and cannot be created there'],
    [join(dir, 'file'), 'is a file, not a directory'],
    [join(dir, 'file', 'x'), 'leads through a file'],
    [join(dir, 'dangling'), 'is a symbolic link to a directory that does not exist'],
    [join(dir, 'x'.repeat(300)), 'is too long'],
    ['/dev/null', 'is a file, not a directory'],
  ];
  for (const [path, message] of faults) {
    expect(() => makeDirectory(path, 0o700)).toThrow(message);
  }
});

test.each([
  ['EROFS', 'is on a read-only file system', /^Mount it for writing/],
  ['ENOSPC', 'is on a disk that is full', /^Make room/],
  ['EDQUOT', 'is on a disk whose quota is used up', /^Make room/],
  ['EACCES', 'cannot be written: permission denied', /^Let this process write it/],
  ['EPERM', 'cannot be written: permission denied', /^Let this process write it/],
  ['EIO', 'cannot be written (EIO)', /^Give another path/],
])('N17: has a message with a remedy for %s', (code, message, remedy) => {
  const fault = writeFaultOf(Object.assign(new Error(code), { code, syscall: 'open' }));
  expect(fault.message).toBe(message);
  expect(fault.remedy).toMatch(remedy);
});
