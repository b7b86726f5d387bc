import type { AuditEntry } from '../audit.js';
import type { KeyOrder, KeyPosition } from '../ordering.js';
import type { KeyRecord, UsageRecord } from '../records.js';
import type { AuditFilter, KeyFilter, UsageSpan } from '../store.js';

/**
 * How many rows one slice of a list looks at, at most. A slice takes some ten milliseconds of a thread. Between two slices
 * other workspaces have their turn, and nothing goes on for a caller whose time is up.
 */
export const SLICE = 10_000;

/** Parts of lists that filters may have to look through. `next`: where the next part begins; null: there is none. */
export interface KeySlices {
  keys(of: {
    readonly workspaceId: string;
    readonly filter: KeyFilter;
    readonly order: KeyOrder;
    /** The keys without a value in the field of the order. */
    readonly empty: boolean;
    readonly after: KeyPosition | null;
    readonly limit: number;
    readonly now: number;
  }): { readonly rows: readonly KeyRecord[]; readonly next: KeyPosition | null };
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

/** The place of an entry in the order of times and then of the chain. */
export interface TimedPlace {
  readonly at: number;
  readonly seq: number;
}

export interface AuditSlices {
  /** With `from` or `to`, in the order of times. @see {@link AuditStore.list} */
  auditDated(of: {
    readonly workspaceId: string;
    readonly filter: AuditFilter;
    /** The place of the entry before the list. */
    readonly before: number | null;
    /** Where the slice before ended; null: this is the first. */
    readonly after: TimedPlace | null;
    readonly limit: number;
  }): { readonly rows: readonly AuditEntry[]; readonly next: TimedPlace | null };
  audit(of: {
    readonly workspaceId: string;
    readonly filter: AuditFilter;
    /** The lowest place. */
    readonly low: number;
    /** The place after the highest. */
    readonly before: number;
    readonly limit: number;
  }): { readonly rows: readonly AuditEntry[]; readonly next: number | null };
}

export interface UsageSlices {
  usage(of: { readonly keyIds: readonly string[]; readonly span: UsageSpan }): readonly UsageRecord[];
}

export type Slices = KeySlices & AuditSlices & UsageSlices;

/** The same in another thread. */
export type AskSlices = {
  readonly [Name in keyof Slices]: (...of: Parameters<Slices[Name]>) => Promise<ReturnType<Slices[Name]>>;
};
