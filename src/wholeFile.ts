import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** A file that can't be read whole. The message goes on after the path, without a full stop, and holds nothing of the file. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
  /** The system's code, such as ENOENT; null for a fault in the file itself. */
  readonly code: string | null;

  constructor(message: string, code: string | null = null, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Reads a regular file of at most `max` bytes. Not by readFileSync: of a pipe nobody writes to, or of /dev/zero, that would
 * not return.
 *
 * @throws FileFault
 */
export function readWholeFile(path: string, max: number): Buffer {
  const file = attempt(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const found = attempt(() => fstatSync(file));
    if (found.isDirectory()) throw new FileFault('is a directory');
    if (!found.isFile()) throw new FileFault('is not a regular file');
    // One more, for a file may grow while it is read.
    const bytes = Buffer.alloc(Math.min(found.size, max) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = attempt(() => readSync(file, bytes, length, bytes.length - length, null));
    }
    if (length > max || found.size > max) throw new FileFault(`has more than ${max} bytes`);
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** Like {@link readWholeFile}, for a text in UTF-8, whose byte order mark is left out. @throws FileFault */
export function readTextFile(path: string, max: number): string {
  const bytes = readWholeFile(path, max);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const marked = ['fffe', 'feff'].includes(bytes.subarray(0, 2).toString('hex'));
    throw new FileFault(marked ? 'is in UTF-16, not in UTF-8' : 'is not in UTF-8');
  }
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new FileFault(`cannot be read (${code})`, code, { cause });
  }
}
