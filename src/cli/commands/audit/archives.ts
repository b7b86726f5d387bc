import type { Archive } from '../../../management/audit/archive/readArchive.js';
import type { AuditVerdict } from '../../../management/audit/verifyAudit.js';
import type { AuditHead } from '../../../core/store/audit.js';
import { usage } from '../../exit.js';
import { readNamed } from '../../files.js';

/** Describes why an archive is invalid: it was changed or cut off. */
export interface ArchiveFault {
  readonly outcome: 'altered' | 'missing';
  readonly seq: number;
  /** The path of the file. */
  readonly archive: string;
  /** The fault and what to do about it, as sentences. */
  readonly message: string;
}

/**
 * Reads and checks archives of a workspace's log, which must be its beginning without a gap, in any order.
 *
 * @param known heads that were recorded earlier. Those from the archived part must be in the archives
 * @returns the archives in their order, or the fault of one of them
 * @throws Failure if a file is not an archive, can't be read, or is not of this log
 */
export async function archivesIn(
  paths: readonly string[],
  workspaceId: string,
  known: readonly AuditHead[],
): Promise<readonly Archive[] | ArchiveFault> {
  const { BrokenArchive, readArchive } = await import('../../../management/audit/archive/readArchive.js');
  const read: { readonly path: string; readonly archive: Archive }[] = [];
  for (const path of paths) {
    const archive = await readNamed(`--archive: ${path}`, () =>
      readArchive(path, known).catch((error: unknown): ArchiveFault => {
        if (!(error instanceof BrokenArchive)) throw error;
        const { outcome, seq, message, remedy } = error;
        return { outcome, seq, archive: path, message: `${path} ${message}. ${remedy}` };
      }),
    );
    if ('outcome' in archive) return archive;
    if (archive.workspaceId !== workspaceId) {
      throw usage(
        `--archive: ${path} belongs to the workspace ${archive.workspaceId}, but the key belongs to ${workspaceId}. Use a key of that workspace.`,
      );
    }
    read.push({ path, archive });
  }
  read.sort((one, other) => one.archive.after.seq - other.archive.after.seq);
  const { NOTHING } = await import('../../../management/audit/archive/archiveLine.js');
  let last: AuditHead = NOTHING;
  for (const { path, archive } of read) {
    const { seq, hash } = archive.after;
    if (seq > last.seq) throw usage(inNone(last.seq + 1, seq));
    if (seq < last.seq)
      throw usage(`--archive: ${path} begins with entry ${seq + 1}, which is also in another file. Leave one out.`);
    if (hash !== last.hash) {
      const message = `${path} does not continue after entry ${seq} of the previous file. Keep both as evidence.`;
      return { outcome: 'altered', seq: seq + 1, archive: path, message };
    }
    last = archive.head;
  }
  return read.map(({ archive }) => archive);
}

/**
 * Compares the end of the archives with the beginning of the log in the store.
 *
 * @returns the fault; null if there is none
 * @throws Failure if archived entries are missing from the files
 */
export function afterArchives(end: AuditHead, base: AuditHead | null): AuditVerdict | null {
  if (base === null || end.seq > base.seq) return null;
  if (end.seq < base.seq) throw usage(inNone(end.seq + 1, base.seq));
  return end.hash === base.hash ? null : { outcome: 'altered', seq: end.seq };
}

function inNone(first: number, last: number): string {
  return `--archive: entries ${first} to ${last} are missing from the files. Add the file that contains them.`;
}
