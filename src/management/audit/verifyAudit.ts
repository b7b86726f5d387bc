import { NOTHING } from './archive/archiveLine.js';
import { hashOf, type AuditEntry, type AuditHead } from '../../core/store/audit.js';
import type { AuditStore } from '../../core/store/auditStore.js';

/** The number of entries in one read. */
const BATCH = 1_000;

/** The result of a verification: the first fault of a log, or none. */
export type AuditVerdict =
  | {
      readonly outcome: 'whole';
      /** In the whole log, including archived entries. */
      readonly entries: number;
      readonly head: string;
      /** The number of archived entries, which were not read. Missing if there are none. */
      readonly archived?: number;
    }
  /** The entry at place `seq` is missing. */
  | { readonly outcome: 'missing'; readonly seq: number }
  /** The head is missing, so the newest entries may be missing too. */
  | { readonly outcome: 'headless'; readonly entries: number }
  /** The entry at place `seq` was changed or moved. */
  | { readonly outcome: 'altered'; readonly seq: number };

/** The progress of a verification. The hash of an entry covers all entries before it. */
export interface Checkpoint extends AuditHead {
  /** The last archived entry at that time, after which the verification began. */
  readonly base: AuditHead;
  /** Whether one of the entries so far names `base`. */
  readonly isNamed: boolean;
}

export interface VerifyOptions {
  /**
   * Entries that the chain must contain: heads that were recorded earlier. Entries before the start are not compared.
   */
  readonly known?: readonly AuditHead[];
  /** Starts after this entry, which must be in the store, instead of at the beginning. */
  readonly from?: AuditHead | Checkpoint | null;
  /** Called after each 1,000 entries. */
  readonly onProgress?: (checkpoint: Checkpoint) => void;
}

type Source = Pick<AuditStore, 'read' | 'head'>;

/**
 * Reads the chain of a workspace from its beginning, or from the last archived entry, which an entry of the chain must
 * name. A changed entry no longer matches its hash, a removed entry leaves a gap, and the separately stored head
 * reveals that the newest entries are missing. Anyone with write access to the whole database can write a new chain.
 * To detect that, keep a head in another place and pass it as `known`.
 *
 * Reads the chain in batches of 1,000 entries, with one batch in memory.
 */
export async function verifyAudit(
  audit: Source & Pick<AuditStore, 'base'>,
  workspaceId: string,
  options: VerifyOptions = {},
): Promise<AuditVerdict> {
  for (;;) {
    const base = (await audit.base(workspaceId)) ?? NOTHING;
    const verdict = await verifyAfter(base, audit, workspaceId, options);
    // Entries may have been archived while they were read.
    if (verdict.outcome === 'whole' || ((await audit.base(workspaceId)) ?? NOTHING).seq === base.seq) return verdict;
  }
}

async function verifyAfter(
  base: AuditHead,
  audit: Source,
  workspaceId: string,
  { known: given = [], from = null, onProgress }: VerifyOptions,
): Promise<AuditVerdict> {
  // Entries from before the base can't be read any more. If the start is one of them, everything in the store is
  // verified.
  const start = from === null || from.seq < base.seq ? base : from;
  const known = given.filter(({ seq }) => seq >= start.seq);
  if ([...known, start].some((head) => contradicts(head, start) || contradicts(head, base)))
    return { outcome: 'altered', seq: start.seq };
  if (start.seq > base.seq) {
    const fault = await faultAt(start, audit, workspaceId);
    if (fault !== null) return fault;
  }
  let isNamed = base.seq === 0 || isNamedBefore(base, start);
  // Read before the log, because entries that are added during the verification are not faults.
  const kept = await audit.head(workspaceId);
  const expected = new Expected(kept === null ? known : [kept, ...known]);
  let last: AuditHead = start;
  for (;;) {
    const batch = await audit.read(workspaceId, last.seq, BATCH);
    for (const entry of batch) {
      const fault = faultOf(entry, last, expected);
      if (fault !== null) return fault;
      isNamed ||= names(entry, base);
      last = entry;
    }
    if (batch.length < BATCH) break;
    onProgress?.({ seq: last.seq, hash: last.hash, base, isNamed });
  }
  const end = last.seq;
  if (expected.last > end) return { outcome: 'missing', seq: end + 1 };
  // Read again: the first entry of a chain may have been added before its head.
  if (kept === null && end > 0 && (await audit.head(workspaceId)) === null)
    return { outcome: 'headless', entries: end };
  // If entries were removed without archiving, no entry names the new beginning of the log.
  if (!isNamed) return { outcome: 'missing', seq: 1 };
  const whole = { outcome: 'whole', entries: end, head: last.hash } as const;
  return base.seq === 0 ? whole : { ...whole, archived: base.seq };
}

/** Returns whether two heads have the same place but different entries. */
function contradicts(one: AuditHead, other: AuditHead): boolean {
  return one.seq === other.seq && one.hash !== other.hash;
}

/** Returns the fault of the entry that a head names; null if there is none. */
async function faultAt({ seq, hash }: AuditHead, audit: Source, workspaceId: string): Promise<AuditVerdict | null> {
  const [entry] = await audit.read(workspaceId, seq - 1, 1);
  if (entry?.seq !== seq) return { outcome: 'missing', seq };
  return entry.hash === hash && hashOf(entry) === hash ? null : { outcome: 'altered', seq };
}

/**
 * Whether no entry after the start must name the base, because an entry before it did, or because the caller trusts the
 * start.
 */
function isNamedBefore(base: AuditHead, start: AuditHead | Checkpoint): boolean {
  if (start.seq === base.seq) return false;
  if (!('base' in start)) return true;
  return start.isNamed && start.base.seq === base.seq && start.base.hash === base.hash;
}

/** Returns whether the entry records that the log was archived up to `base`. */
function names({ action, after }: AuditEntry, base: AuditHead): boolean {
  return action === 'audit.archived' && after?.seq === base.seq && after.hash === base.hash;
}

/**
 * Compares the stored head of a workspace with its entry. Reads only that entry, so it is fast enough for a start.
 * @returns the fault, or null
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

/** Heads that a chain must contain, by place. There can be one for each entry. */
class Expected {
  readonly #hashes = new Map<number, Set<string>>();
  /** The last of their places; 0 if there are none. */
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
