import { GENESIS, hashOf, type AuditEntry, type AuditHead } from '../../../core/store/audit.js';

/** The version of the file format. */
const VERSION = 1;
/** In characters. An entry has several hundred, and at most a few thousand. */
export const MAX_LINE = 1_000_000;

/** The first line: the workspace of the entries, and the entry after which they begin. */
export interface ArchiveStart {
  readonly workspaceId: string;
  readonly after: AuditHead;
}

/** The head of an empty log. */
export const NOTHING: AuditHead = Object.freeze({ seq: 0, hash: GENESIS });

export function startLine({ workspaceId, after }: ArchiveStart): string {
  return JSON.stringify({ latchkeyAuditArchive: VERSION, workspaceId, after });
}

/** The last line: without it the file was cut off. */
export function endLine(head: AuditHead): string {
  return JSON.stringify({ head: { seq: head.seq, hash: head.hash } });
}

/** @returns the start, or a description of what is wrong with the line */
export function parseStart(line: string): ArchiveStart | string {
  const { latchkeyAuditArchive: version, workspaceId, after } = objectIn(line) ?? {};
  if (version === undefined) return 'is not an archive of an audit log';
  if (version !== VERSION) return `has form ${JSON.stringify(version)}, which this release cannot read`;
  if (typeof workspaceId !== 'string' || !isHead(after)) return 'has no valid first line';
  return { workspaceId, after };
}

/** Returns the head in the last line; null for any other line. */
export function parseEnd(line: string): AuditHead | null {
  const { head } = objectIn(line) ?? {};
  return isHead(head) ? head : null;
}

/** Returns the entry in a line, which must follow `last`; null if the line was changed. */
export function parseEntry(line: string, { workspaceId }: ArchiveStart, last: AuditHead): AuditEntry | null {
  const entry = objectIn(line) as AuditEntry | null;
  if (entry === null || entry.workspaceId !== workspaceId) return null;
  if (entry.seq !== last.seq + 1 || entry.previousHash !== last.hash) return null;
  return hashOf(entry) === entry.hash ? entry : null;
}

function objectIn(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function isHead(value: unknown): value is AuditHead {
  const { seq, hash } = (value ?? {}) as Record<string, unknown>;
  return Number.isSafeInteger(seq) && (seq as number) >= 0 && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash);
}
