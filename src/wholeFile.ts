import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** A file that can't be read whole. The message goes on after the path, without a full stop, and holds nothing of the file. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
  /** The system's code, such as ENOENT; null for a fault in the file itself. */
  readonly code: string | null;
  /** What to do about it, as a sentence. */
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

/** What the codes of the system mean, and what to do about each. */
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

/** Whether an error comes from the system, as of a file that does not exist. */
export function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}

/** Returns what an error of the system means for the file that it is about. */
export function fileFaultOf(cause: unknown): FileFault {
  if (cause instanceof FileFault) return cause;
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const [message, remedy] = MEANINGS.get(code) ?? [
    `cannot be read (${code})`,
    'Correct the path, or give another file.',
  ];
  return new FileFault(message, remedy, code, { cause });
}

/** The fault of a file with too many bytes. */
export function tooLarge(max: number): FileFault {
  return new FileFault(`has more than ${max} bytes`, 'Give a smaller file.');
}

/** The fault of a pipe, a socket or a device. @param found what the path leads to */
export function notRegular(found?: { isFIFO(): boolean }): FileFault {
  return new FileFault(
    found?.isFIFO() === true ? 'is a named pipe, not a regular file' : 'is not a regular file',
    ANOTHER,
  );
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
    if (found.isDirectory()) throw new FileFault('is a directory', ANOTHER);
    if (!found.isFile()) throw notRegular();
    // One more, for a file may grow while it is read.
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

/** Like {@link readWholeFile}, for a text in UTF-8, whose byte order mark is left out. @throws FileFault */
export function readTextFile(path: string, max: number): string {
  const bytes = readWholeFile(path, max);
  const marked = encodingOf(bytes);
  if (marked !== 'utf-8') throw new FileFault('is in UTF-16, not in UTF-8', SAVE_AS_UTF8);
  return decodeText(bytes);
}

/** Decodes UTF-8, or UTF-16 with a byte order mark, which is left out. @throws FileFault for anything else */
export function decodeText(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    throw new FileFault('is not in UTF-8', SAVE_AS_UTF8);
  }
  throw new FileFault('is not a text in UTF-8: it has NUL bytes', SAVE_AS_UTF8);
}

/** By the byte order mark. */
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
