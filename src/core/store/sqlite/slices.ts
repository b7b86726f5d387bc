import type { AuditEntry } from '../audit.js';
import type { KeyOrder, KeyPosition } from '../ordering.js';
import type { KeySummary, UsageRecord } from '../records.js';
import type { AuditFilter } from '../auditStore.js';
import type { KeyFilter } from '../keyStore.js';
import type { UsageSpan } from '../usageStore.js';

/**
 * Maximum number of rows that one slice of a list reads. A slice takes about ten milliseconds of a thread. Other
 * workspaces take their turn between two slices, and a list stops after its time limit.
 */
export const SLICE = 10_000;

/** By how much a slice of a page is longer than the slice before it. */
const GROWTH = 8;

/**
 * Returns the lengths of the slices of a page: the first is a small multiple of the page, because most filters select many of
 * the rows, and finding the end of a slice takes longer than reading a page of it.
 */
export function sliceLengths(page: number): () => number {
  let length = page;
  return () => (length = Math.min(SLICE, length * GROWTH));
}

/** Parts of lists that filters may have to search. `next`: the start of the next part; null if there is none. */
export interface KeySlices {
  keys(of: {
    readonly workspaceId: string;
    readonly filter: KeyFilter;
    readonly order: KeyOrder;
    /** Selects the keys without a value in the field of the order. */
    readonly empty: boolean;
    readonly after: KeyPosition | null;
    readonly limit: number;
    /** Maximum number of keys that this slice searches. */
    readonly length: number;
    readonly now: number;
  }): { readonly rows: readonly KeySummary[]; readonly next: KeyPosition | null };
  keyCount(of: {
    readonly workspaceId: string;
    readonly filter: KeyFilter;
    readonly after: KeyPosition | null;
    readonly now: number;
  }): { readonly total: number; readonly next: KeyPosition | null };
  families(of: { readonly workspaceId: string; readonly after: string; readonly now: number }): {
    readonly all: number;
    readonly administer: number;
    readonly next: string | null;
  };
}

/** The position of an entry in the order of time and then of the chain. */
export interface TimedPlace {
  readonly at: number;
  readonly seq: number;
}

export interface AuditSlices {
  /**
   * With `from` or `to`, by time.
   *
   * @see {@link AuditStore.list}
   */
  auditDated(of: {
    readonly workspaceId: string;
    readonly filter: AuditFilter;
    /** The position of the entry before the list. */
    readonly before: number | null;
    /** The end of the previous slice; null if this is the first. */
    readonly after: TimedPlace | null;
    readonly limit: number;
    /** Maximum number of entries that this slice searches. */
    readonly length: number;
  }): { readonly rows: readonly AuditEntry[]; readonly next: TimedPlace | null };
  audit(of: {
    readonly workspaceId: string;
    readonly filter: AuditFilter;
    /** The lowest position. */
    readonly low: number;
    /** The position after the highest. */
    readonly before: number;
    readonly limit: number;
  }): { readonly rows: readonly AuditEntry[]; readonly next: number | null };
}

export interface UsageSlices {
  usage(of: { readonly keyIds: readonly string[]; readonly span: UsageSpan }): readonly UsageRecord[];
}

export type Slices = KeySlices & AuditSlices & UsageSlices;

/** The same operations in another thread. */
export type AskSlices = {
  readonly [Name in keyof Slices]: (...of: Parameters<Slices[Name]>) => Promise<ReturnType<Slices[Name]>>;
};
