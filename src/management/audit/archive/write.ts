import { createWriteStream } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createGzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { AuditEntry, AuditHead } from '../../../core/store/audit.js';
import { endLine, startLine, type ArchiveStart } from './archiveLine.js';

/** Returns a temporary name for the incomplete file, in the same directory so that it can be renamed. */
export function partialOf(path: string): string {
  return `${path}.partial`;
}

/**
 * Writes an archive under its partial name and waits until it is on the disk. A name that ends with `.gz` is compressed.
 *
 * @returns the last entry; null if there are no entries, and then no file
 */
export async function writePartial(
  path: string,
  start: ArchiveStart,
  entries: AsyncIterable<AuditEntry>,
): Promise<AuditHead | null> {
  const partial = partialOf(path);
  // A partial file of an earlier run is incomplete.
  await rm(partial, { force: true });
  const written: { last: AuditHead | null } = { last: null };
  const lines = async function* (): AsyncGenerator<string> {
    yield `${startLine(start)}\n`;
    for await (const entry of entries) {
      yield `${JSON.stringify(entry)}\n`;
      written.last = { seq: entry.seq, hash: entry.hash };
    }
    yield `${endLine(written.last ?? start.after)}\n`;
  };
  const source = Readable.from(lines());
  const target = createWriteStream(partial, { flags: 'wx', mode: 0o600 });
  await (path.endsWith('.gz') ? pipeline(source, createGzip(), target) : pipeline(source, target));
  const file = await open(partial, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  if (written.last === null) await rm(partial);
  return written.last;
}

/** Gives a complete archive its name, and waits until the directory is on the disk. */
export async function giveName(path: string): Promise<void> {
  await rename(partialOf(path), path);
  let directory: FileHandle | null = null;
  try {
    directory = await open(dirname(path));
    await directory.sync();
  } catch (error) {
    // Windows can't open directories, and writes them automatically.
    if (process.platform !== 'win32') throw error;
  } finally {
    await directory?.close();
  }
}
