import { constants, createReadStream, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { decodeText, FileFault, fileFaultOf, isOfSystem, notRegular, tooLarge } from '../shared/files/wholeFile.js';
import { usage } from './exit.js';

/**
 * Yields the bytes of a file that a command line names, or of standard input for `-`. A pipe that the shell opened is read too,
 * as in `--head <(ssh … cat head.txt)`.
 *
 * @throws FileFault
 */
export async function* contentOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* path === '-' ? process.stdin : await openContent(path);
  } catch (error) {
    throw isOfSystem(error) ? fileFaultOf(error) : error;
  }
}

/**
 * Opens a regular file, or a pipe that the shell opened for this process. Never waits for a writer: the named pipes of the file
 * system are refused, and so are sockets and devices, because /dev/zero never ends.
 *
 * @throws FileFault or an error of the system
 */
export async function openContent(path: string): Promise<AsyncIterable<Buffer>> {
  const found = await stat(path);
  if (found.isDirectory()) throw new FileFault('is a directory', 'Give the path of a file.');
  if (isOpenPipe(path, found)) {
    const fd = descriptorIn(path) ?? 0;
    // The descriptor itself: to open its path again could wait for a writer.
    return fd === 0 ? process.stdin : createReadStream('', { fd });
  }
  if (!found.isFile()) throw notRegular(found);
  return openRegular(path);
}

/** Opens without waiting, because a pipe may have replaced the file by now. */
async function openRegular(path: string): Promise<AsyncIterable<Buffer>> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  if (found.isFile()) return file.createReadStream();
  await file.close();
  throw notRegular(found);
}

/** Returns whether the path names a pipe that was open when this process started, as in `<(command)` and /dev/stdin. */
export function isOpenPipe(path: string, found: Stats): boolean {
  return (found.isFIFO() || found.isSocket()) && descriptorIn(path) !== null;
}

function descriptorIn(path: string): number | null {
  if (path === '/dev/stdin') return 0;
  const digits = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path)?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * Reads a text that a command line names: UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it.
 *
 * @param max in bytes
 * @throws FileFault, also if the text is empty
 */
export async function textIn(path: string, max: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of contentOf(path)) {
    bytes += part.length;
    if (bytes > max) throw tooLarge(max);
    parts.push(part);
  }
  const text = decodeText(Buffer.concat(parts));
  if (text.trim() === '') throw new FileFault('is empty', 'Write the content into it, or give another file.');
  return text;
}

/**
 * Calls `read`, and turns the faults of a file into usage errors.
 *
 * @param what names the file in the error, as in `--head: head.txt`
 * @throws Failure
 */
export async function readNamed<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    throw usage(`${what} ${error.message}. ${error.remedy}`);
  }
}
