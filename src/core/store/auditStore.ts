import type { AuditAction, AuditDraft, AuditEntry, AuditHead } from './audit.js';

/** The entries to list. */
export interface AuditFilter {
  readonly actions?: readonly AuditAction[];
  /** ID of the changed object, and of the author. */
  readonly subject?: string;
  readonly actor?: string;
  readonly projectId?: string;
  /** Start of the range, inclusive, in ms since the epoch. */
  readonly from?: number;
  /** End of the range, exclusive. */
  readonly to?: number;
}

/** The archived part of a log. */
export interface ArchiveStore {
  /** Returns the last archived entry, after which the log in the store begins; null if there is none. */
  base(workspaceId: string): Promise<AuditHead | null>;
  /**
   * Archives the log up to `until`: atomically with an entry about this, the log begins after it. The archived entries
   * are deleted afterwards in bounded batches. After an interrupted call, another call with the same `until` completes the deletion without
   * adding a second entry.
   *
   * @param after the position after which the log begins, as read by the caller
   * @returns `moved`: the log now begins elsewhere; `unknown`: there is no such entry. In both cases nothing was
   * changed.
   */
  archive(
    workspaceId: string,
    after: number,
    until: AuditHead,
    draft: AuditDraft,
  ): Promise<'archived' | 'moved' | 'unknown'>;
}

/**
 * The audit log. Entries are added with the changes that they describe, or here if there is no change. Entries are never changed, and only
 * archived entries are removed.
 */
export interface AuditStore extends ArchiveStore {
  /** Adds an entry to its workspace's chain. Does nothing if an entry with this ID exists. */
  append(draft: AuditDraft): Promise<void>;
  /**
   * Returns entries before `before` in the chain, newest first. With `from` or `to`, the order is by time and then by
   * position, and `before` is the position of an entry: the clocks of processes differ, so the order of times can differ from the order of
   * the chain.
   */
  list(
    workspaceId: string,
    options: { readonly first: number; readonly before: number | null; readonly filter: AuditFilter },
  ): Promise<readonly AuditEntry[]>;
  /** Returns entries in the order of the chain, after position `after`, for verification. */
  read(workspaceId: string, after: number, first: number): Promise<readonly AuditEntry[]>;
  /** Returns what the chain's newest entry must be; null if the workspace has none. */
  head(workspaceId: string): Promise<AuditHead | null>;
  /** Returns the heads of all workspaces whose ID is greater than `after`, in code-unit order of the IDs. */
  heads(after: string, first: number): Promise<readonly (AuditHead & { readonly workspaceId: string })[]>;
}
