import type { Feed } from '../feed.js';
import type { KeyChange, Store } from '../store/store.js';

/** What a write made stale in memories of records: one key, or what all keys of a workspace have in common: its tier, its users' roles. */
export type Change =
  { readonly kind: 'key'; readonly lookupId: string } | { readonly kind: 'workspace'; readonly workspaceId: string };

/**
 * Carries changes from the process that makes them to all others; null: all may be stale. A feed may be away: what it misses
 * then ends by itself when a remembered record's time is up.
 */
export type ChangeFeed = Feed<Change>;

/** What changes keys, and what they may do. */
type Changeable = Pick<Store, 'keys' | 'workspaces' | 'users'>;

/**
 * The store, each change announced before it is answered; also one that failed, for it may have been made all the same
 * (a connection that broke before the answer came).
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
 * `target` with some of its methods replaced. Not a spread: a store may be an instance of a class. Not a proxy of the
 * target itself: JavaScript forbids one to replace what is frozen.
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
