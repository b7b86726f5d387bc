import { createReadStream, statSync } from 'node:fs';
import { decodeText, FileFault, fileFaultOf, isOfSystem, notRegular, tooLarge } from '../wholeFile.js';
import { usage } from './exit.js';

/**
 * Yields the bytes of a file that a command line names, or of standard input for `-`. A pipe is read too, as in
 * `--head <(ssh … cat head.txt)`.
 *
 * @throws FileFault
 */
export async function* contentOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* path === '-' ? process.stdin : streamOf(path);
  } catch (error) {
    throw isOfSystem(error) ? fileFaultOf(error) : error;
  }
}

/** Refuses devices: /dev/zero never ends. */
function streamOf(path: string): AsyncIterable<Buffer> {
  const found = statSync(path);
  if (found.isDirectory()) throw new FileFault('is a directory', 'Give the path of a file.');
  if (!found.isFile() && !found.isFIFO()) throw notRegular();
  return createReadStream(path);
}

/**
 * Reads a text that a command line names: UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it.
 *
 * @param max in bytes
 * @throws FileFault, also for a text that is empty
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
