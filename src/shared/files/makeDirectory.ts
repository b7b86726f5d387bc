import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FileFault, isOfSystem } from './wholeFile.js';

/** Messages and remedies for the codes of system errors, for a file or directory that can't be written. */
const MEANINGS: ReadonlyMap<string, readonly [message: string, remedy: string]> = new Map([
  ['EEXIST', ['is a file, not a directory', 'Give the path of a directory.']],
  ['ENOTDIR', ['leads through a file', 'Correct the path.']],
  ['EISDIR', ['is a directory', 'Give the path of a file.']],
  ['ENXIO', ['is not a regular file', 'Give the path of a file.']],
  [
    'ENOENT',
    ['does not exist and cannot be created there', 'Create the directory that it is in, or give another path.'],
  ],
  ['EACCES', ['cannot be written: permission denied', 'Let this process write it, or give another path.']],
  ['EPERM', ['cannot be written: permission denied', 'Let this process write it, or give another path.']],
  ['EROFS', ['is on a read-only file system', 'Mount it for writing, or give another path.']],
  ['ENOSPC', ['is on a disk that is full', 'Make room, or give another path.']],
  ['EDQUOT', ['is on a disk whose quota is used up', 'Make room, or give another path.']],
  ['ENAMETOOLONG', ['is too long', 'Give a shorter path.']],
  ['ELOOP', ['is a symbolic link that leads back to itself', 'Correct the path.']],
]);

/** Returns what a system error means for a file or directory that can't be written. */
export function writeFaultOf(cause: unknown): FileFault {
  if (cause instanceof FileFault) return cause;
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const [message, remedy] = MEANINGS.get(code) ?? [`cannot be written (${code})`, 'Give another path.'];
  return new FileFault(message, remedy, code, { cause });
}

/**
 * Creates a directory and its missing parents. Doesn't use `recursive` of mkdir, which never returns under /proc, where
 * directories exist but nothing can be created.
 *
 * @param mode the permissions of the new directories
 * @throws FileFault
 */
export function makeDirectory(path: string, mode: number): void {
  const missing: string[] = [];
  for (let at = resolve(path); !isDirectory(at); at = dirname(at)) missing.push(at);
  for (const each of missing.reverse()) makeOne(each, mode);
}

/** Returns whether a directory exists. @throws FileFault if something else has the path */
function isDirectory(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (error) {
    if (isOfSystem(error) && error.code === 'ENOENT') return false;
    throw writeFaultOf(error);
  }
  throw new FileFault(...(MEANINGS.get('EEXIST') ?? ['', '']), 'EEXIST');
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process may have created it in the meantime.
    if (!isOfSystem(error) || error.code !== 'EEXIST') throw writeFaultOf(error);
    if (!isDirectory(path)) {
      throw new FileFault('is a symbolic link to a directory that does not exist', 'Create that directory.', 'ENOENT');
    }
  }
}
