/** What a write made stale in memories of records: one key, or the tier of all keys of a workspace. */
export type Change =
  { readonly kind: 'key'; readonly lookupId: string } | { readonly kind: 'workspace'; readonly workspaceId: string };

/**
 * Carries changes from the process that makes them to all others. A feed may be away: what it misses then ends by itself
 * when a remembered record's time is up.
 */
export interface ChangeFeed {
  /** To be called after the write. Neither waits nor throws. */
  publish(change: Change): void;
  /** @param listener gets the changes of other processes; null when some may have been missed, and all may be stale */
  subscribe(listener: (change: Change | null) => void): void;
}
