import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** The error of a file that can't be read. The message follows the path, has no full stop, and contains no part of the file. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
  /** The system's code, such as ENOENT; null if the content of the file is invalid. */
  readonly code: string | null;
  /** How to fix it, as a sentence. */
  readonly remedy: string;

  constructor(message: string, remedy: string, code: string | null = null, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = remedy;
  }
}

const CORRECT = 'Correct the path.';
const LET_READ = 'Let this process read it.';
const ANOTHER = 'Give the path of a file.';
const SAVE_AS_UTF8 = 'Save it as UTF-8.';

/** Messages and remedies for the codes of system errors. */
const MEANINGS: ReadonlyMap<string, readonly [message: string, remedy: string]> = new Map([
  ['ENOENT', ['does not exist', CORRECT]],
  ['ENOTDIR', ['does not exist: its path leads through a file', CORRECT]],
  ['ENAMETOOLONG', ['has a path that is too long', CORRECT]],
  ['ELOOP', ['is a symbolic link that leads back to itself', CORRECT]],
  ['EACCES', ['cannot be read: permission denied', LET_READ]],
  ['EPERM', ['cannot be read: permission denied', LET_READ]],
  ['EISDIR', ['is a directory', ANOTHER]],
  ['ENXIO', ['is not a regular file', ANOTHER]],
]);

/** Returns whether an error is a system error, such as a missing file. */
export function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}

/** Returns what a system error means for a file that can't be read. */
export function fileFaultOf(cause: unknown): FileFault {
  if (cause instanceof FileFault) return cause;
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const [message, remedy] = MEANINGS.get(code) ?? [
    `cannot be read (${code})`,
    'Correct the path, or give another file.',
  ];
  return new FileFault(message, remedy, code, { cause });
}

/** Returns the error for a file that is too large. */
export function tooLarge(max: number): FileFault {
  return new FileFault(`has more than ${max} bytes`, 'Give a smaller file.');
}

/** Returns the error for a pipe, a socket or a device. @param found the status of the path */
export function notRegular(found?: { isFIFO(): boolean }): FileFault {
  return new FileFault(
    found?.isFIFO() === true ? 'is a named pipe, not a regular file' : 'is not a regular file',
    ANOTHER,
  );
}

/**
 * Reads a regular file of at most `max` bytes. Doesn't use readFileSync, which never returns for a pipe without a writer or for
 * /dev/zero.
 *
 * @throws FileFault
 */
export function readWholeFile(path: string, max: number): Buffer {
  const file = attempt(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const found = attempt(() => fstatSync(file));
    if (found.isDirectory()) throw new FileFault('is a directory', ANOTHER);
    if (!found.isFile()) throw notRegular();
    // One more byte, to notice a file that grows while it is read.
    const bytes = Buffer.alloc(Math.min(found.size, max) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = attempt(() => readSync(file, bytes, length, bytes.length - length, null));
    }
    if (length > max || found.size > max) throw tooLarge(max);
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** Like {@link readWholeFile}, for a text in UTF-8. Removes a byte order mark. @throws FileFault */
export function readTextFile(path: string, max: number): string {
  const bytes = readWholeFile(path, max);
  const marked = encodingOf(bytes);
  if (marked !== 'utf-8') throw new FileFault('is in UTF-16, not in UTF-8', SAVE_AS_UTF8);
  return decodeText(bytes);
}

/** Decodes UTF-8, or UTF-16 with a byte order mark, which is removed. @throws FileFault for anything else */
export function decodeText(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    throw new FileFault('is not in UTF-8', SAVE_AS_UTF8);
  }
  throw new FileFault('is not a text in UTF-8: it has NUL bytes', SAVE_AS_UTF8);
}

/** Returns the encoding of a text by its byte order mark. */
export function encodingOf([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw fileFaultOf(cause);
  }
}
