import { constants } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { notRegular } from '../../../shared/files/wholeFile.js';
import { lineOf, MAX_LINE, parseLine, type WorkspaceHead } from './headLine.js';

/** At this size, the file is replaced by one with the newest head of each workspace, in bytes. */
const MAX_BYTES = 16 * 2 ** 20;
/** The size of one read, in bytes. */
const CHUNK = 65_536;
const NEWLINE = 0x0a;

/**
 * A file to which heads are appended, one line of JSON each. Several processes may write to the same file: each reads
 * the lines of the others before it writes, and writes complete lines in one step. It is opened for each use, so it can
 * be moved at any time.
 */
export class HeadsFile {
  readonly path: string;
  readonly #maxBytes: number;
  readonly #newest = new Map<string, WorkspaceHead>();
  #inode: number | null = null;
  /** The number of bytes in complete lines that were read. */
  #read = 0;
  /** The size of the file at the last read, in bytes. */
  #size = 0;
  #unreadable = 0;

  constructor(path: string, maxBytes = MAX_BYTES) {
    this.path = path;
    this.#maxBytes = maxBytes;
  }

  /** The newest head of each workspace in the file. */
  get newest(): ReadonlyMap<string, WorkspaceHead> {
    return this.#newest;
  }

  /** Lines of the file that are not heads. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Creates the file unless it exists. @throws Error of the system if it cannot be written */
  async create(): Promise<void> {
    const file = await openToAppend(this.path);
    try {
      if (!(await file.stat()).isFile()) throw notRegular();
    } finally {
      await file.close();
    }
  }

  /**
   * Reads the lines that were appended since the last read, or the whole file if it was replaced. @throws Error of the
   * system
   */
  async read(): Promise<void> {
    const file = await openUnlessMissing(this.path);
    if (file === null) {
      this.#startOver(null);
      return;
    }
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw notRegular();
      if (stat.ino !== this.#inode || stat.size < this.#read) this.#startOver(stat.ino);
      this.#size = stat.size;
      await this.#readLines(file, stat.size);
    } finally {
      await file.close();
    }
  }

  /** Appends heads and waits until they are on the disk. Call {@link read} before. @param at ms since the epoch */
  async append(heads: readonly WorkspaceHead[], at: number): Promise<void> {
    if (heads.length === 0) return;
    const text = heads.map((head) => `${lineOf(head, at)}\n`).join('');
    const file = await openToAppend(this.path);
    try {
      // An incomplete line must not make the next one invalid.
      await file.appendFile(this.#size > this.#read ? `\n${text}` : text);
      await file.datasync();
    } finally {
      await file.close();
    }
    for (const head of heads) this.#note(head);
    if (this.#size + text.length > this.#maxBytes) await this.#rotate(at);
  }

  async #readLines(file: FileHandle, size: number): Promise<void> {
    const chunk = Buffer.alloc(CHUNK);
    let rest: Buffer = Buffer.alloc(0);
    let at = this.#read;
    while (at < size) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK, size - at), at);
      if (bytesRead === 0) break;
      const bytes = chunk.subarray(0, bytesRead);
      const end = bytes.lastIndexOf(NEWLINE);
      if (end >= 0) this.#read = at + end + 1;
      at += bytesRead;
      rest = this.#takeLines(Buffer.concat([rest, bytes]));
      // Only the beginning of a line that is too long is kept.
      if (rest.length > MAX_LINE) rest = rest.subarray(0, MAX_LINE + 1);
    }
  }

  /** @returns the text after the last line break */
  #takeLines(bytes: Buffer): Buffer {
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      const line = bytes.toString('utf8', from, Math.min(end, from + MAX_LINE + 1)).trim();
      const head = parseLine(line);
      if (head !== null) this.#note(head);
      else if (line !== '') this.#unreadable += 1;
      from = end + 1;
    }
    return Buffer.from(bytes.subarray(from));
  }

  /** The first of two heads for one place is used, because the later one may be forged. */
  #note(head: WorkspaceHead): void {
    const before = this.#newest.get(head.workspaceId);
    if (before === undefined || before.seq < head.seq) this.#newest.set(head.workspaceId, head);
  }

  #startOver(inode: number | null): void {
    this.#newest.clear();
    this.#inode = inode;
    this.#read = 0;
    this.#size = 0;
    this.#unreadable = 0;
  }

  /** Renames the full file to `<path>.1` and starts a new one with the newest heads. */
  async #rotate(at: number): Promise<void> {
    const heads = [...this.#newest.values()];
    const text = heads.map((head) => `${lineOf(head, at)}\n`).join('');
    // If the newest heads fill half of a file, it would be replaced repeatedly.
    if (text.length > this.#maxBytes / 2) return;
    const next = `${this.path}.${process.pid}.new`;
    const file = await open(next, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(this.path, `${this.path}.1`);
    await rename(next, this.path);
  }
}

/** Not for a pipe: reading a pipe without a writer would never return. */
async function openUnlessMissing(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Not blocking, because opening a pipe without a reader would never return. */
function openToAppend(path: string): Promise<FileHandle> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
}
