import { open, type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import { fileFaultOf, isOfSystem } from '../../../shared/files/wholeFile.js';
import { EXIT, Failure, usage } from '../../exit.js';

/** The part of a file that is read at once from its end, in bytes. A line is shorter. */
const TAIL = 64 * 1024;

/** The file, or standard output, that an export is written to. */
export interface ExportFile {
  /** The cursor of the last complete line; null if the export begins. */
  readonly cursor: string | null;
  /** The number of lines that were written. */
  readonly lines: number;
  /** @param shown changes the text for standard output */
  append(text: string, shown: (text: string) => string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the target of an export.
 *
 * @param path null for standard output
 * @param isResumed whether the file continues an interrupted export
 * @throws Failure
 */
export async function openExport(path: string | null, isResumed: boolean): Promise<ExportFile> {
  if (path === null) {
    if (isResumed) throw usage('--resume needs --output with the file to continue.');
    return toStandardOutput();
  }
  try {
    return isResumed ? await resumed(path) : toFile(await open(path, 'wx', 0o600), null);
  } catch (error) {
    if (!isOfSystem(error)) throw error;
    if (error.code === 'EEXIST') {
      throw usage(`--output: ${path} exists. Give the name of a new file, or continue it with --resume.`);
    }
    const { message, remedy } = fileFaultOf(error);
    throw usage(`--output: ${path} ${message}. ${remedy}`);
  }
}

function toStandardOutput(): ExportFile {
  let lines = 0;
  return {
    cursor: null,
    get lines() {
      return lines;
    },
    async append(text, shown) {
      lines += linesIn(text);
      // Waits for a slow reader, so that the export is never in memory as a whole.
      if (text !== '' && !process.stdout.write(shown(text))) await once(process.stdout, 'drain');
    },
    close: () => Promise.resolve(),
  };
}

/** Removes an incomplete line at the end of a file, and continues after its last line. */
async function resumed(path: string): Promise<ExportFile> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL), 0, TAIL, start);
    const tail = buffer.subarray(0, bytesRead);
    const end = tail.lastIndexOf('\n') + 1;
    if (end === 0 && start > 0) throw new Failure(EXIT.failed, 'NOT_EXPORTED', `--output: ${path} is not an export.`);
    const last = tail.subarray(0, end).toString().split('\n').at(-2);
    const cursor = last === undefined || isHeader(last) ? null : cursorIn(last, path);
    // Without a row, the export begins again.
    const kept = cursor === null ? 0 : start + end;
    await file.truncate(kept);
    return toFile(file, cursor, kept);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function isHeader(line: string): boolean {
  return line.startsWith('start,') && line.endsWith(',cursor');
}

/** @throws Failure if the line was not exported */
function cursorIn(line: string, path: string): string {
  const cursor = line.startsWith('{') ? cursorOfJson(line) : line.slice(line.lastIndexOf(',') + 1);
  if (/^[\w-]+$/.test(cursor)) return cursor;
  throw new Failure(
    EXIT.failed,
    'NOT_EXPORTED',
    `--output: the last line of ${path} has no cursor. Export to a new file.`,
  );
}

function cursorOfJson(line: string): string {
  try {
    return String((JSON.parse(line) as { readonly cursor?: unknown }).cursor);
  } catch {
    return '';
  }
}

function toFile(file: FileHandle, cursor: string | null, size = 0): ExportFile {
  let position = size;
  let lines = 0;
  return {
    cursor,
    get lines() {
      return lines;
    },
    async append(text) {
      lines += linesIn(text);
      const content = Buffer.from(text);
      await file.write(content, 0, content.length, position);
      position += content.length;
    },
    async close() {
      await file.close();
    },
  };
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}
