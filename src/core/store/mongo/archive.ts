import type { ArchiveStore } from '../auditStore.js';
import { eq, where, type Documents } from './documents.js';
import type { Intents } from './intents.js';
import { toDocument as toEntry, withoutEntry, type Ledger } from './ledger.js';
import type { AuditDocument, AuditHeadDocument } from './schemas.js';

/** Maximum number of entries deleted by one command, which must finish within the time of a round trip. */
const BATCH = 500;

/**
 * Opens the archived part of the log. Its end is stored with the head, together with the entry of an unfinished change.
 */
export function openArchive(
  entries: Documents<AuditDocument>,
  heads: Documents<AuditHeadDocument>,
  ledger: Ledger,
  intents: Intents,
): ArchiveStore {
  /** Returns the head after finishing its change. */
  const settled = async (workspaceId: string): Promise<AuditHeadDocument | null> => {
    const head = await heads.findOne({ _id: eq(workspaceId) });
    if (head !== null) await ledger.settle(heads, head);
    return head;
  };
  const remove = async (workspaceId: string, until: number): Promise<void> => {
    for (;;) {
      const inArchive = { workspaceId: eq(workspaceId), seq: where({ $lte: until }) };
      const [first] = await entries.find(inArchive, { sort: { seq: 1 }, limit: 1, fields: ['seq'] });
      if (first === undefined) return;
      const end = Math.min(first.seq + BATCH - 1, until);
      await entries.removeMany({ workspaceId: eq(workspaceId), seq: where({ $lte: end }) });
    }
  };

  return {
    async base(workspaceId) {
      const head = await settled(workspaceId);
      return head?.baseSeq === undefined ? null : { seq: head.baseSeq, hash: head.baseHash ?? '' };
    },
    async archive(workspaceId, after, until, draft) {
      // Otherwise an entry that a document still carries could be added again after it was removed here.
      await intents.finishIn(workspaceId);
      for (;;) {
        const { baseSeq = 0, baseHash = '' } = (await settled(workspaceId)) ?? {};
        if (baseSeq === until.seq && baseHash === until.hash) break;
        if (baseSeq !== after) return 'moved';
        const last = await entries.findOne({ workspaceId: eq(workspaceId), seq: eq(until.seq) });
        if (last?.hash !== until.hash) return 'unknown';
        const unmoved = { _id: eq(workspaceId), baseSeq: eq(baseSeq === 0 ? null : baseSeq), ...withoutEntry() };
        const moved = await heads.update(unmoved, {
          $set: { baseSeq: until.seq, baseHash: until.hash, entry: toEntry(draft) },
        });
        if (moved === null) continue;
        await ledger.settle(heads, moved);
        break;
      }
      // Entries before the base are no longer part of the log. If a call is interrupted here, the next one deletes the
      // rest.
      await remove(workspaceId, until.seq);
      return 'archived';
    },
  };
}
