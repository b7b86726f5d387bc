import { GENESIS, hashOf, type AuditEntry, type AuditHead } from '../store/audit.js';
import type { AuditStore } from '../store/store.js';

/** Entries read at once. */
const BATCH = 1_000;

/** What is wrong with a chain at its first fault, or that nothing is. */
export type AuditVerdict =
  | { readonly outcome: 'whole'; readonly entries: number; readonly head: string }
  /** An entry that ought to have place `seq` is not there. */
  | { readonly outcome: 'missing'; readonly seq: number }
  /** The entry in place `seq` is not what was written, or not in its place. */
  | { readonly outcome: 'altered'; readonly seq: number };

/**
 * Reads the chain of a workspace from its beginning. An entry that was altered no longer has its hash, one that was removed
 * leaves a gap, and the newest ones are missed by the head that is kept apart. Who can write everything in the database can
 * write a new chain: against that, keep the head elsewhere and give it as `known`.
 *
 * @param known an entry that has to be in the chain: a head that was noted before
 */
export async function verifyAudit(
  audit: Pick<AuditStore, 'read' | 'head'>,
  workspaceId: string,
  known: AuditHead | null = null,
): Promise<AuditVerdict> {
  // Before the chain: what is added meanwhile is no fault.
  const expected = [await audit.head(workspaceId), known].filter((head) => head !== null);
  let last: AuditHead = { seq: 0, hash: GENESIS };
  for (;;) {
    const batch = await audit.read(workspaceId, last.seq, BATCH);
    for (const entry of batch) {
      const fault = faultOf(entry, last, expected);
      if (fault !== null) return fault;
      last = entry;
    }
    if (batch.length < BATCH) break;
  }
  const end = last.seq;
  if (expected.some(({ seq }) => seq > end)) return { outcome: 'missing', seq: end + 1 };
  return { outcome: 'whole', entries: end, head: last.hash };
}

function faultOf(entry: AuditEntry, last: AuditHead, expected: readonly AuditHead[]): AuditVerdict | null {
  const { seq } = entry;
  if (seq !== last.seq + 1) return { outcome: 'missing', seq: last.seq + 1 };
  const right =
    entry.previousHash === last.hash &&
    entry.hash === hashOf(entry) &&
    expected.every((head) => head.seq !== seq || head.hash === entry.hash);
  return right ? null : { outcome: 'altered', seq };
}
