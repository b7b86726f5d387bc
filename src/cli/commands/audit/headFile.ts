import { parseLine, type WorkspaceHead } from '../../../management/audit/heads/headLine.js';
import type { AuditHead } from '../../../core/store/audit.js';
import { usage } from '../../exit.js';
import { readNamed, textIn } from '../../files.js';

/** The maximum size of a file with one or more outputs of `verify`, in bytes. */
const MAX_HEAD_FILE = 2 ** 20;
/** The server starts a new file at 16 MiB. */
const MAX_HEADS_FILE = 64 * 2 ** 20;

const HEAD = /(?:^|Head: )([1-9]\d{0,14}):([0-9a-f]{64})$/i;

/** A stored head. `workspaceId`: the workspace of the log; null if the file doesn't contain it. */
export interface KeptHead extends AuditHead {
  readonly workspaceId: string | null;
}

/**
 * Reads the value of --head or --from: a head, or a file that ends with one as `verify` or `verify --json` prints it.
 *
 * @throws Failure
 */
export async function keptHead(given: string, option: '--head' | '--from' = '--head'): Promise<KeptHead> {
  const head = headIn(given.trim());
  if (head !== null) return head;
  const fault = faultOfHead(given.trim());
  if (fault !== null) throw usage(`${option}: ${fault}`);
  const what = `${option}: ${given}`;
  const text = await readNamed(what, () => textIn(given, MAX_HEAD_FILE));
  const printed = lastDocument(text);
  return printed === null ? lastLine(what, text) : headOfVerdict(what, printed);
}

/**
 * Reads a file of heads that the server wrote.
 *
 * @throws Failure
 */
export async function headsIn(path: string): Promise<WorkspaceHead[]> {
  const what = `--heads: ${path}`;
  const text = await readNamed(what, () => textIn(path, MAX_HEADS_FILE));
  const heads: WorkspaceHead[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const head = parseLine(line.trim());
    if (head === null) throw usage(`${what} has no head in line ${i + 1}. ${remedyFor(line.trim(), text)}`);
    heads.push(head);
  }
  return heads;
}

/** Suggests the right option for an output of `verify`. */
function remedyFor(line: string, text: string): string {
  if (headIn(line) !== null || lastDocument(text)?.outcome !== undefined)
    return 'Pass a file that audit verify printed with --head.';
  return 'Remove the line, or give the file as the server wrote it (AUDIT_HEADS_FILE).';
}

function headIn(text: string): KeptHead | null {
  const [, seq, hash] = HEAD.exec(text) ?? [];
  return hash === undefined ? null : { seq: Number(seq), hash: hash.toLowerCase(), workspaceId: null };
}

/** Returns the fault of a head, or null if the value is not a head and may be the path of a file. */
function faultOfHead(text: string): string | null {
  const [, number = '', hash = ''] = /^([^:/\\]*):([0-9a-z]*)$/i.exec(text) ?? [];
  if (!/^\d+$/.test(number)) return null;
  if (!/^[1-9]\d{0,14}$/.test(number)) return `${number.slice(0, 20)} is not the number of an entry. They begin at 1.`;
  if (!/^[0-9a-f]*$/i.test(hash)) return 'the hash after the colon has characters other than 0 to 9 and a to f.';
  return `the hash after the colon has ${hash.length} digits. Allowed: 64.`;
}

/** Returns the last JSON object that begins on a separate line; null if the text does not end with one. */
function lastDocument(text: string): Readonly<Record<string, unknown>> | null {
  const begin = text.startsWith('{') ? Math.max(0, text.lastIndexOf('\n{')) : text.lastIndexOf('\n{');
  if (begin < 0) return null;
  try {
    return JSON.parse(text.slice(begin)) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function lastLine(what: string, text: string): KeptHead {
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  const head = headIn(line);
  if (head !== null) return head;
  if (/^The log (is broken|may be cut off):/.test(line)) throw broken(what);
  throw usage(
    `${what} has no head in its last line. Give a file that ends with what audit verify printed, such as "Head: 1042:" and 64 digits.`,
  );
}

/** Returns the head in the output of `verify --json`. */
function headOfVerdict(what: string, verdict: Readonly<Record<string, unknown>>): KeptHead {
  const { outcome, entries, head, workspace } = verdict;
  if (parseLine(JSON.stringify(verdict)) !== null)
    throw usage(`${what} is a file of heads that the server wrote. Give it with --heads.`);
  if (typeof outcome === 'string' && outcome !== 'whole') throw broken(what);
  if (outcome === 'whole' && entries === 0) throw usage(`${what} was made from an empty log, which has no head.`);
  const read = headIn(`${String(entries)}:${String(head)}`);
  if (outcome !== 'whole' || read === null || typeof workspace !== 'string') {
    throw usage(`${what} contains JSON that is not the output of audit verify --json. Give a file with its output.`);
  }
  return { ...read, workspaceId: workspace };
}

function broken(what: string) {
  return usage(`${what} reports a broken log, and has no head. Give the file of an earlier run.`);
}
