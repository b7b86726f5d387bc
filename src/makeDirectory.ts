import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FileFault, isOfSystem } from './wholeFile.js';

/** What the codes of the system mean for a file or a directory that is to be written, and what to do about each. */
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

/** Returns what an error of the system means for the file or directory that was to be written. */
export function writeFaultOf(cause: unknown): FileFault {
  if (cause instanceof FileFault) return cause;
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const [message, remedy] = MEANINGS.get(code) ?? [`cannot be written (${code})`, 'Give another path.'];
  return new FileFault(message, remedy, code, { cause });
}

/**
 * Creates a directory and the directories that it is in, unless they exist. Not by mkdir's `recursive`: under /proc, where a
 * directory exists and nothing can be created in it, that never returns.
 *
 * @param mode permissions of the directories that are created
 * @throws FileFault
 */
export function makeDirectory(path: string, mode: number): void {
  const missing: string[] = [];
  for (let at = resolve(path); !isDirectory(at); at = dirname(at)) missing.push(at);
  for (const each of missing.reverse()) makeOne(each, mode);
}

/** @throws FileFault for anything else that exists */
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
    // Another process may have been faster.
    if (!isOfSystem(error) || error.code !== 'EEXIST') throw writeFaultOf(error);
    if (!isDirectory(path)) {
      throw new FileFault('is a symbolic link to a directory that does not exist', 'Create that directory.', 'ENOENT');
    }
  }
}
