import type { Feed } from '../util/feed.js';
import type { KeyChange, Store } from '../store/store.js';

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

/** Returns a change that a feed delivered. One of another form counts as null: anything may have changed. */
export function readChange(given: unknown): Change | null {
  const change = (typeof given === 'object' ? given : null) as Readonly<Record<string, unknown>> | null;
  if (change?.kind === 'key' && typeof change.lookupId === 'string') return given as Change;
  return change?.kind === 'workspace' && typeof change.workspaceId === 'string' ? (given as Change) : null;
}

/**
 * Sends changes from the process that makes them to all other processes. null: every cached record may be stale. The feed
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

/** The parts of the store whose changes affect keys or their permissions. */
type Changeable = Pick<Store, 'keys' | 'workspaces' | 'users'>;

/**
 * Wraps a store so that each change is announced before its result is returned. Failed changes are announced too: the
 * store may have made the change if the connection broke before its response.
 */
export function announcing({ keys, workspaces, users }: Changeable, announce: (change: Change) => void): Changeable {
  const ofKey = async (workspaceId: string | null, changing: Promise<KeyChange>): Promise<KeyChange> => {
    try {
      const change = await changing;
      if (change.outcome !== 'unknown') announce({ kind: 'key', lookupId: change.key.lookupId });
      return change;
    } catch (error) {
      if (workspaceId !== null) announce({ kind: 'workspace', workspaceId });
      throw error;
    }
  };
  const ofWorkspace = async <T>(workspaceId: string, changing: Promise<T>): Promise<T> => {
    try {
      return await changing;
    } finally {
      announce({ kind: 'workspace', workspaceId });
    }
  };
  return {
    keys: overlaid(keys, {
      rotate: (id, workspaceId, ...rest) => ofKey(workspaceId, keys.rotate(id, workspaceId, ...rest)),
      expire: (id, workspaceId, ...rest) => ofKey(workspaceId, keys.expire(id, workspaceId, ...rest)),
      revoke: (id, workspaceId, ...rest) => ofKey(workspaceId, keys.revoke(id, workspaceId, ...rest)),
      update: (id, workspaceId, ...rest) => ofKey(workspaceId, keys.update(id, workspaceId, ...rest)),
    }),
    workspaces: overlaid(workspaces, {
      setTier: (id, ...rest) => ofWorkspace(id, workspaces.setTier(id, ...rest)),
    }),
    users: overlaid(users, {
      update: (id, workspaceId, ...rest) => ofWorkspace(workspaceId, users.update(id, workspaceId, ...rest)),
      remove: (id, workspaceId, ...rest) => ofWorkspace(workspaceId, users.remove(id, workspaceId, ...rest)),
    }),
  };
}

/**
 * Returns `target` with some methods replaced. A spread would lose the methods of a class instance. A proxy of the target
 * itself could not replace the properties of a frozen object.
 */
export function overlaid<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy({} as T, {
    get(_, name) {
      if (Object.hasOwn(methods, name)) return methods[name as keyof T];
      const method: unknown = Reflect.get(target, name);
      return typeof method === 'function' ? (method.bind(target) as unknown) : method;
    },
  });
}
