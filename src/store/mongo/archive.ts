import type { ArchiveStore } from '../store.js';
import { eq, where, type Documents } from './documents.js';
import type { Intents } from './intents.js';
import { toDocument as toEntry, withoutEntry, type Ledger } from './ledger.js';
import type { AuditDocument, AuditHeadDocument } from './schemas.js';

/** Entries that are deleted by one command, which has to end within the time of a round trip. */
const BATCH = 500;

/** The part of the log that was archived. Where it ends is kept with the head, with the entry of a change that is under way. */
export function openArchive(
  entries: Documents<AuditDocument>,
  heads: Documents<AuditHeadDocument>,
  ledger: Ledger,
  intents: Intents,
): ArchiveStore {
  /** Returns the head with what was decided about it finished. */
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
      // An entry that a document still carries would be added once more after it was removed here.
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
      // Entries before the base are no longer part of the log. A call that ended here is made good by the next one.
      await remove(workspaceId, until.seq);
      return 'archived';
    },
  };
}
