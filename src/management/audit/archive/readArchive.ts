import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { AuditHead } from '../../../core/store/audit.js';
import { FileFault, fileFaultOf, isOfSystem, notRegular } from '../../../shared/files/wholeFile.js';
import { MAX_LINE, parseEnd, parseEntry, parseStart, type ArchiveStart } from './archiveLine.js';

/** The contents of an archive: the entries after `after` up to `head`. */
export interface Archive extends ArchiveStart {
  readonly head: AuditHead;
}

const REMEDY = 'Give the file as audit archive wrote it.';
const KEEP = 'Keep it as evidence, and look for a copy of the file.';

/** Thrown for an archive that was changed or cut off, at its first fault. Other errors mean that the file is not an archive, or can't be read. */
export class BrokenArchive extends FileFault {
  readonly outcome: 'altered' | 'missing';
  /** The entry that is not what was written, or that is missing. */
  readonly seq: number;

  constructor(message: string, outcome: BrokenArchive['outcome'], seq: number) {
    super(message, KEEP);
    this.outcome = outcome;
    this.seq = seq;
  }
}

/**
 * Reads an archive and computes each hash again.
 *
 * @param heads recorded before; the archive must contain those that are in its range
 * @throws BrokenArchive if it was changed or cut off; FileFault if it can't be read or is not an archive
 */
export async function readArchive(path: string, heads: readonly AuditHead[] = []): Promise<Archive> {
  const known = new Map(heads.map(({ seq }) => [seq, new Set<string>()] as const));
  for (const { seq, hash } of heads) known.get(seq)?.add(hash);
  let start: ArchiveStart | null = null;
  let last: AuditHead | null = null;
  let end: AuditHead | null = null;
  for await (const line of linesOf(path, () => last?.seq ?? null)) {
    if (end !== null) throw new BrokenArchive('has lines after its last entry', 'altered', end.seq + 1);
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
  if (end === null) throw cutOff(last?.seq ?? 0);
  return { ...start, head: end };
}

function altered(seq: number): BrokenArchive {
  return new BrokenArchive(`was changed: entry ${seq} is not what was written`, 'altered', seq);
}

function cutOff(seq: number): BrokenArchive {
  return new BrokenArchive(`is cut off after entry ${seq}`, 'missing', seq + 1);
}

/** Returns the last entry that was read; null before the first line, which says that the file is an archive. */
type LastSeq = () => number | null;

async function* linesOf(path: string, lastSeq: LastSeq): AsyncGenerator<string> {
  try {
    const isCompressed = beginsAsGzip(path);
    const source = createReadStream(path);
    try {
      yield* linesIn(isCompressed ? unpacked(source) : source, lastSeq);
    } finally {
      source.destroy();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const seq = lastSeq() ?? 0;
    if (code === 'Z_BUF_ERROR') throw cutOff(seq);
    if (code?.startsWith('Z_') === true)
      throw new BrokenArchive('was changed: its gzip data is damaged', 'altered', seq + 1);
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

/** Doesn't use readline, which keeps a line of any length in memory. */
async function* linesIn(stream: Readable, lastSeq: LastSeq): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > MAX_LINE) {
      const seq = lastSeq();
      throw seq === null ? new FileFault('has a line that is too long', REMEDY) : altered(seq + 1);
    }
  }
  // The last line of a whole file ends with a line break too.
  if (rest === '') return;
  const seq = lastSeq();
  throw seq === null ? new FileFault('is not an archive of an audit log', REMEDY) : cutOff(seq);
}
