import type { Archive } from '../../../audit/archive/read.js';
import type { AuditVerdict } from '../../../audit/verify.js';
import type { AuditHead } from '../../../store/audit.js';
import { usage } from '../../exit.js';
import { readNamed } from '../../files.js';

/**
 * Reads and checks archives of a workspace's log, which have to be its beginning without a gap, in any order.
 *
 * @param known heads that were noted before. Those in the archives have to be there
 * @throws Failure
 */
export async function archivesIn(
  paths: readonly string[],
  workspaceId: string,
  known: readonly AuditHead[],
): Promise<readonly Archive[]> {
  const { readArchive } = await import('../../../audit/archive/read.js');
  const read: { readonly path: string; readonly archive: Archive }[] = [];
  for (const path of paths) {
    const archive = await readNamed(`--archive: ${path}`, () => readArchive(path, known));
    if (archive.workspaceId !== workspaceId) {
      throw usage(
        `--archive: ${path} is of the workspace ${archive.workspaceId}, and the key belongs to ${workspaceId}. Use a key of that workspace.`,
      );
    }
    read.push({ path, archive });
  }
  read.sort((one, other) => one.archive.after.seq - other.archive.after.seq);
  const { NOTHING } = await import('../../../audit/archive/line.js');
  let last: AuditHead = NOTHING;
  for (const { path, archive } of read) {
    const { seq, hash } = archive.after;
    if (seq > last.seq)
      throw usage(`--archive: entries ${last.seq + 1} to ${seq} are in none of the files. Add the file that has them.`);
    if (seq < last.seq)
      throw usage(
        `--archive: ${path} begins with entry ${seq + 1}, which another of the files has too. Leave one out.`,
      );
    if (hash !== last.hash)
      throw usage(`--archive: ${path} does not follow on entry ${seq} of the file before it. Keep both as evidence.`);
    last = archive.head;
  }
  return read.map(({ archive }) => archive);
}

/** Compares the end of the archives with where the log in the store begins. @returns what is wrong; null: nothing */
export function afterArchives(end: AuditHead, base: AuditHead | null): AuditVerdict | null {
  if (base === null || end.seq > base.seq) return null;
  if (end.seq < base.seq) return { outcome: 'missing', seq: end.seq + 1 };
  return end.hash === base.hash ? null : { outcome: 'altered', seq: end.seq };
}

/**
 * Heads from before the entries in the store can't be compared without the archives. Passed over in silence, they would prove
 * nothing about a log that somebody replaced.
 *
 * @throws Failure
 */
export function assertInStore(
  heads: { readonly kept: AuditHead | null; readonly before: AuditHead | null; readonly copied: readonly AuditHead[] },
  base: AuditHead | null,
): void {
  const isArchived = ({ seq }: AuditHead): boolean => seq < (base?.seq ?? 0);
  const [what, head] =
    heads.kept !== null && isArchived(heads.kept)
      ? ['--head', heads.kept]
      : heads.before !== null && isArchived(heads.before)
        ? ['the last head that this computer saw', heads.before]
        : heads.copied.length > 0 && heads.copied.every(isArchived)
          ? ['--heads', heads.copied.at(-1)]
          : [];
  if (what === undefined) return;
  throw usage(`Entry ${head?.seq}, of ${what}, was archived and can't be compared. Give the archives with --archive.`);
}
