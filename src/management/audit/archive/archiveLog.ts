import { existsSync } from 'node:fs';
import { draftEntry, hashOf, type AuditEntry, type AuditHead, type Author } from '../../../core/store/audit.js';
import type { ArchiveStore, AuditStore } from '../../../core/store/auditStore.js';
import { NOTHING } from './archiveLine.js';
import { readArchive, type Archive } from './readArchive.js';
import { giveName, partialOf, writePartial } from './write.js';

/** The number of entries in one read. */
const BATCH = 1_000;

export interface ArchiveOptions {
  readonly audit: Pick<AuditStore, 'read'> & ArchiveStore;
  readonly workspaceId: string;
  /** Entries before this time are archived, in ms since the epoch. */
  readonly before: number;
  readonly path: string;
  readonly author: Author;
  readonly now: () => number;
  /** Called with the number of entries written so far. */
  readonly progress?: (entries: number) => void;
}

export type ArchiveResult =
  /**
   * The entries from `first` to `last` are in the file, and no longer in the store. `resumed`: the file already
   * existed.
   */
  | { readonly outcome: 'archived'; readonly first: number; readonly last: AuditHead; readonly resumed: boolean }
  /** The oldest entry in the store is not old enough. */
  | { readonly outcome: 'nothing'; readonly oldest: AuditEntry | null }
  /** The file exists, but is not the next archive. */
  | { readonly outcome: 'taken'; readonly archive: Archive }
  /** Another run archived entries at the same time. The file has been written; the store is unchanged by this run. */
  | { readonly outcome: 'moved' };

/**
 * Writes the oldest entries of a workspace's log to a file, reads the file again and checks it, and only then removes the entries
 * from the store. Nothing is lost if it is interrupted: run it again with the same file to complete the rest.
 *
 * @throws FileFault if the file exists and is not a whole archive; Error of the system if it cannot be written;
 *   BrokenLog if entries are missing or changed
 */
export async function archiveLog(options: ArchiveOptions): Promise<ArchiveResult> {
  const { audit, workspaceId, path } = options;
  const base = (await audit.base(workspaceId)) ?? NOTHING;
  if (existsSync(path)) return takeUp(options, await readArchive(path), base);
  const [oldest] = await audit.read(workspaceId, base.seq, 1);
  if (oldest === undefined || oldest.at >= options.before) return { outcome: 'nothing', oldest: oldest ?? null };
  const last = await writePartial(path, { workspaceId, after: base }, entriesBefore(options, base));
  if (last === null) return { outcome: 'nothing', oldest };
  const archive = await checked(partialOf(path), workspaceId);
  await giveName(path);
  return remove(options, archive, false);
}

/** An earlier run wrote the file, and may have been interrupted before the entries were removed. */
async function takeUp(options: ArchiveOptions, archive: Archive, base: AuditHead): Promise<ArchiveResult> {
  const follows = isSame(archive.after, base) || isSame(archive.head, base);
  if (archive.workspaceId !== options.workspaceId || !follows) return { outcome: 'taken', archive };
  return remove(options, archive, true);
}

async function remove(options: ArchiveOptions, { after, head }: Archive, resumed: boolean): Promise<ArchiveResult> {
  const { audit, workspaceId, author, now } = options;
  const first = after.seq + 1;
  const draft = draftEntry(
    {
      workspaceId,
      projectId: null,
      at: now(),
      action: 'audit.archived',
      subject: workspaceId,
      before: null,
      after: { first, seq: head.seq, hash: head.hash },
    },
    author,
  );
  const outcome = await audit.archive(workspaceId, after.seq, head, draft);
  if (outcome === 'unknown') throw new BrokenLog(head.seq);
  return outcome === 'moved' ? { outcome } : { outcome, first, last: head, resumed };
}

/** The log is broken, so nothing is removed from it. */
export class BrokenLog extends Error {
  override readonly name = 'BrokenLog';

  constructor(seq: number) {
    super(`Entry ${seq} of the log is missing or was changed. Run latchkey audit verify. Nothing was removed.`);
  }
}

async function* entriesBefore(
  { audit, workspaceId, before, progress }: ArchiveOptions,
  base: AuditHead,
): AsyncGenerator<AuditEntry> {
  let last = base;
  for (;;) {
    const batch = await audit.read(workspaceId, last.seq, BATCH);
    for (const entry of batch) {
      const follows = entry.seq === last.seq + 1 && entry.previousHash === last.hash;
      if (!follows || hashOf(entry) !== entry.hash) throw new BrokenLog(last.seq + 1);
      if (entry.at >= before) return;
      yield entry;
      last = entry;
    }
    progress?.(last.seq - base.seq);
    if (batch.length < BATCH) return;
  }
}

/** Reads the file back from the disk, to verify its real content. */
async function checked(path: string, workspaceId: string): Promise<Archive> {
  const archive = await readArchive(path);
  if (archive.workspaceId !== workspaceId) throw new Error('The archive was replaced while it was written.');
  return archive;
}

function isSame(one: AuditHead, other: AuditHead): boolean {
  return one.seq === other.seq && one.hash === other.hash;
}
