import type { WorkspaceHead } from '../../../management/audit/heads/headLine.js';
import type { AuditHead } from '../../../core/store/audit.js';
import { usage } from '../../exit.js';
import type { KeptHead } from './headFile.js';
import type { SeenHead } from './seenHeads.js';

/** Heads that were recorded earlier, which the log must contain. */
export interface Noted {
  /** From --head. */
  readonly kept: AuditHead | null;
  /** The last head that this computer saw. */
  readonly seen: SeenHead | null;
  /** From --heads; null if the option was not set. */
  readonly copied: readonly AuditHead[] | null;
}

export function allOf({ kept, seen, copied }: Noted): readonly AuditHead[] {
  return [...[kept, seen].filter((head) => head !== null), ...(copied ?? [])];
}

/**
 * Refuses heads from before the first entry that is read. If they were ignored silently, a replaced log would not be
 * detected.
 *
 * @param start the last entry that is not read; 0 to read all
 * @param why the end of the sentence about such a head, with the remedy
 * @throws Failure
 */
export function assertRead({ kept, seen, copied }: Noted, start: number, why: string): void {
  const isBefore = ({ seq }: AuditHead): boolean => seq < start;
  if (kept !== null && isBefore(kept)) throw usage(`Entry ${kept.seq}, of --head, ${why}`);
  if (seen !== null && isBefore(seen))
    throw usage(`Entry ${seen.seq}, of the last head that this computer saw, ${why}`);
  const newest = copied?.at(-1);
  if (newest !== undefined && copied?.every(isBefore) === true) throw usage(`Entry ${newest.seq}, of --heads, ${why}`);
}

/** Returns what was compared, as sentences. @param start the last entry that was not read; 0 if all were read */
export function comparisons({ seen, copied }: Noted, start: number): readonly string[] {
  const sentences: string[] = [];
  if (copied !== null) {
    const compared = copied.filter(({ seq }) => seq >= start).length;
    const rest = copied.length - compared;
    const left = rest === 0 ? '' : ` ${rest} are of entries before ${start} and were not compared.`;
    sentences.push(`Compared with ${compared} heads of this workspace in the file.${left}`);
  }
  if (seen !== null)
    sentences.push(
      seen.seq < start
        ? `Entry ${seen.seq}, the last head that this computer saw, was not compared.`
        : `Compared with entry ${seen.seq}, the last head that this computer saw, at ${seen.at}.`,
    );
  return sentences;
}

/** @throws Failure if the file contains no head of the workspace */
export function ownIn(heads: readonly WorkspaceHead[], path: string, workspaceId: string): readonly WorkspaceHead[] {
  const own = heads.filter((head) => head.workspaceId === workspaceId);
  if (own.length > 0) return own;
  throw usage(`--heads: ${path} has no head of the workspace ${workspaceId}, which the key belongs to.`);
}

/** @throws Failure if the head is of another workspace's log */
export function assertOwn(option: '--head' | '--from', head: KeptHead | null, workspaceId: string): void {
  if (head === null || head.workspaceId === null || head.workspaceId === workspaceId) return;
  throw usage(
    `${option} belongs to the workspace ${head.workspaceId}, but the key belongs to ${workspaceId}. Use a key of that workspace.`,
  );
}
