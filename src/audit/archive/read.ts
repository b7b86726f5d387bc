import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { AuditHead } from '../../store/audit.js';
import { FileFault, fileFaultOf, isOfSystem, notRegular } from '../../wholeFile.js';
import { MAX_LINE, parseEnd, parseEntry, parseStart, type ArchiveStart } from './line.js';

/** What an archive holds: the entries after `after` up to `head`. */
export interface Archive extends ArchiveStart {
  readonly head: AuditHead;
}

const REMEDY = 'Give the file as audit archive wrote it.';

/**
 * Reads an archive and computes each hash again.
 *
 * @param heads noted before: those of places in the archive have to be there
 * @throws FileFault that names the first fault
 */
export async function readArchive(path: string, heads: readonly AuditHead[] = []): Promise<Archive> {
  const known = new Map(heads.map(({ seq }) => [seq, new Set<string>()] as const));
  for (const { seq, hash } of heads) known.get(seq)?.add(hash);
  let start: ArchiveStart | null = null;
  let last: AuditHead | null = null;
  let end: AuditHead | null = null;
  for await (const line of linesOf(path)) {
    if (end !== null) throw new FileFault('goes on after its last line', REMEDY);
    if (start === null || last === null) {
      const read = parseStart(line);
      if (typeof read === 'string') throw new FileFault(read, REMEDY);
      start = read;
      last = read.after;
      continue;
    }
    const entry = parseEntry(line, start, last);
    end = entry === null ? parseEnd(line) : null;
    if (entry === null && (end?.seq !== last.seq || end.hash !== last.hash)) throw altered(last.seq + 1);
    if (entry === null) continue;
    if ([...(known.get(entry.seq) ?? [])].some((hash) => hash !== entry.hash)) throw altered(entry.seq);
    last = entry;
  }
  if (start === null) throw new FileFault('is empty', REMEDY);
  if (end === null) throw new FileFault(`is cut off after entry ${last?.seq ?? 0}`, REMEDY);
  return { ...start, head: end };
}

function altered(seq: number): FileFault {
  return new FileFault(
    `has another entry ${seq} than was written`,
    'Keep it as evidence, and look for a copy of the file.',
  );
}

async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    const isCompressed = beginsAsGzip(path);
    const source = createReadStream(path);
    try {
      yield* linesIn(isCompressed ? unpacked(source) : source);
    } finally {
      source.destroy();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') === true) throw new FileFault('is cut off, or is not whole gzip', REMEDY);
    throw isOfSystem(error) ? fileFaultOf(error) : error;
  }
}

function beginsAsGzip(path: string): boolean {
  if (!statSync(path).isFile()) throw notRegular();
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(2);
    readSync(file, bytes, 0, 2, 0);
    return bytes.readUInt16BE(0) === 0x1f8b;
  } finally {
    closeSync(file);
  }
}

function unpacked(source: Readable): Readable {
  const target = createGunzip();
  source.on('error', (error) => target.destroy(error));
  return source.pipe(target);
}

/** Not by readline, which keeps a line of any length. */
async function* linesIn(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new FileFault('has a line that is too long', REMEDY);
    yield* lines;
  }
  // The last line of a whole file ends too.
  if (rest !== '') throw new FileFault('is cut off within a line', REMEDY);
}
