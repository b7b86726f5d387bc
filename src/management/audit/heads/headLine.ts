import type { AuditHead } from '../../../core/store/audit.js';

/** The newest entry of a workspace's audit log at some time. */
export interface WorkspaceHead extends AuditHead {
  readonly workspaceId: string;
}

/** Longer than any line that is written. */
export const MAX_LINE = 1_024;

/** Returns a head as one line of JSON, without the line break. @param at ms since the epoch */
export function lineOf({ workspaceId, seq, hash }: WorkspaceHead, at: number): string {
  return JSON.stringify({ at: new Date(at).toISOString(), workspaceId, seq, hash });
}

/** Parses a line that {@link lineOf} wrote; null for any other. */
export function parseLine(line: string): WorkspaceHead | null {
  if (line.length > MAX_LINE) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { workspaceId, seq, hash } = value as Record<string, unknown>;
  if (typeof workspaceId !== 'string' || workspaceId === '' || typeof hash !== 'string') return null;
  if (!Number.isSafeInteger(seq) || (seq as number) < 1 || !/^[0-9a-f]{64}$/.test(hash)) return null;
  return { workspaceId, seq: seq as number, hash };
}
