import type { Feed } from '../util/feed.js';

/**
 * The cached records that a write made stale: one key, or all keys of a workspace (its tier or its users' roles changed).
 *
 * @example
 * ```ts
 * import { createLatchkey, openSqliteStore, type Change } from 'latchkey';
 *
 * const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }) });
 * latchkey.onChange((change: Change | null) => console.info(change?.kind ?? 'anything'));
 * ```
 */
export type Change =
  { readonly kind: 'key'; readonly lookupId: string } | { readonly kind: 'workspace'; readonly workspaceId: string };

/** Returns a change that a feed delivered. One of another form counts as null if anything may have changed. */
export function readChange(given: unknown): Change | null {
  const change = (typeof given === 'object' ? given : null) as Readonly<Record<string, unknown>> | null;
  if (change?.kind === 'key' && typeof change.lookupId === 'string') return given as Change;
  return change?.kind === 'workspace' && typeof change.workspaceId === 'string' ? (given as Change) : null;
}

/**
 * Sends changes from the process that makes them to all other processes. null if every cached record may be stale. The feed
 * may be unavailable. A change that it loses then takes effect when the cached record expires.
 *
 * @example
 * ```ts
 * import type { Change, ChangeFeed } from 'latchkey';
 *
 * const listeners: ((change: Change | null) => void)[] = [];
 * export const changes: ChangeFeed = {
 *   publish: (change) => process.send?.(change),
 *   subscribe: (listener) => void listeners.push(listener),
 * };
 * process.on('message', (change: Change) => listeners.forEach((listener) => listener(change)));
 * ```
 */
export type ChangeFeed = Feed<Change>;
