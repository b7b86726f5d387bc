import { NOTHING } from './archive/line.js';
import { hashOf, type AuditEntry, type AuditHead } from '../store/audit.js';
import type { AuditStore } from '../store/store.js';

/** Entries read at once. */
const BATCH = 1_000;

/** What is wrong with a chain at its first fault, or that nothing is. */
export type AuditVerdict =
  | {
      readonly outcome: 'whole';
      /** Of the whole log, archived ones too. */
      readonly entries: number;
      readonly head: string;
      /** How many were archived, and not read; absent: none. */
      readonly archived?: number;
    }
  /** An entry that ought to have place `seq` is not there. */
  | { readonly outcome: 'missing'; readonly seq: number }
  /** Nothing says where the chain ends: its newest entries may be gone, with the head that is kept apart. */
  | { readonly outcome: 'headless'; readonly entries: number }
  /** The entry in place `seq` is not what was written, or not in its place. */
  | { readonly outcome: 'altered'; readonly seq: number };

/**
 * Reads the chain of a workspace from its beginning, or from the last archived entry, which an entry of the chain has to name. An entry that was altered no longer has its hash, one that was removed
 * leaves a gap, and the newest ones are missed by the head that is kept apart. Who can write everything in the database can
 * write a new chain: against that, keep the head elsewhere and give it as `known`.
 *
 * @param known entries that have to be in the chain: heads that were noted before. Archived ones are passed over
 */
export async function verifyAudit(
  audit: Pick<AuditStore, 'read' | 'head' | 'base'>,
  workspaceId: string,
  known: readonly AuditHead[] = [],
): Promise<AuditVerdict> {
  for (;;) {
    const base = (await audit.base(workspaceId)) ?? NOTHING;
    const verdict = await verifyFrom(audit, workspaceId, base, known);
    // Entries may have been archived while they were read.
    if (verdict.outcome === 'whole' || ((await audit.base(workspaceId)) ?? NOTHING).seq === base.seq) return verdict;
  }
}

async function verifyFrom(
  audit: Pick<AuditStore, 'read' | 'head'>,
  workspaceId: string,
  base: AuditHead,
  given: readonly AuditHead[],
): Promise<AuditVerdict> {
  const known = given.filter(({ seq }) => seq >= base.seq);
  if (known.some(({ seq, hash }) => seq === base.seq && hash !== base.hash))
    return { outcome: 'altered', seq: base.seq };
  let isNamed = base.seq === 0;
  // Before the chain: what is added meanwhile is no fault.
  const kept = await audit.head(workspaceId);
  const expected = new Expected(kept === null ? known : [kept, ...known]);
  let last = base;
  for (;;) {
    const batch = await audit.read(workspaceId, last.seq, BATCH);
    for (const entry of batch) {
      const fault = faultOf(entry, last, expected);
      if (fault !== null) return fault;
      isNamed ||= names(entry, base);
      last = entry;
    }
    if (batch.length < BATCH) break;
  }
  const end = last.seq;
  if (expected.last > end) return { outcome: 'missing', seq: end + 1 };
  // Read again: the first entry of a chain may have been added before its head.
  if (kept === null && end > 0 && (await audit.head(workspaceId)) === null)
    return { outcome: 'headless', entries: end };
  // Whoever removed them without archiving them has to say where the log begins, but can't have an entry say so.
  if (!isNamed) return { outcome: 'missing', seq: 1 };
  const whole = { outcome: 'whole', entries: end, head: last.hash } as const;
  return base.seq === 0 ? whole : { ...whole, archived: base.seq };
}

/** Whether the entry tells that the log was archived up to `base`. */
function names({ action, after }: AuditEntry, base: AuditHead): boolean {
  return action === 'audit.archived' && after?.seq === base.seq && after.hash === base.hash;
}

/**
 * Compares the kept head of a workspace with the entry that it names. Reads that entry alone, so that a start can afford it.
 * @returns what is wrong; null: nothing
 */
export async function checkHead(
  audit: Pick<AuditStore, 'read' | 'head'>,
  workspaceId: string,
): Promise<Exclude<AuditVerdict, { outcome: 'whole' }> | null> {
  const head = await audit.head(workspaceId);
  const [entry] = await audit.read(workspaceId, (head?.seq ?? 1) - 1, 1);
  if (head === null) return entry === undefined ? null : { outcome: 'headless', entries: entry.seq };
  if (entry?.seq !== head.seq) return { outcome: 'missing', seq: head.seq };
  return entry.hash === head.hash && hashOf(entry) === head.hash ? null : { outcome: 'altered', seq: head.seq };
}

/** Heads that have to be in a chain, by place: there may be as many as the chain has entries. */
class Expected {
  readonly #hashes = new Map<number, Set<string>>();
  /** The last of their places; 0: there are none. */
  readonly last: number;

  constructor(heads: readonly AuditHead[]) {
    let last = 0;
    for (const { seq, hash } of heads) {
      const hashes = this.#hashes.get(seq);
      if (hashes === undefined) this.#hashes.set(seq, new Set([hash]));
      else hashes.add(hash);
      last = Math.max(last, seq);
    }
    this.last = last;
  }

  allows({ seq, hash }: AuditHead): boolean {
    const hashes = this.#hashes.get(seq);
    return hashes === undefined || (hashes.size === 1 && hashes.has(hash));
  }
}

function faultOf(entry: AuditEntry, last: AuditHead, expected: Expected): AuditVerdict | null {
  const { seq } = entry;
  if (seq !== last.seq + 1) return { outcome: 'missing', seq: last.seq + 1 };
  const right = entry.previousHash === last.hash && entry.hash === hashOf(entry) && expected.allows(entry);
  return right ? null : { outcome: 'altered', seq };
}
