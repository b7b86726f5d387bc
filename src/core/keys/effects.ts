import { isPromise } from '../../shared/optionChecks.js';
import type { Occasion } from '../store/audit.js';
import type { KeyRecord } from '../store/records.js';
import type { KeyChange } from '../store/keyStore.js';
import type { Store } from '../store/store.js';
import { overlaid } from '../util/overlaid.js';
import type { Change } from './changeFeed.js';
import { keyEvent, type KeyEvent, type KeyEventType } from './keyEvent.js';

/** Everything that callers and their permissions depend on: the store and the configuration. */
export interface Changeable extends Omit<Store, 'ping' | 'close' | 'version'> {
  readonly configuration: {
    /** Replaces the configuration of this process. */
    replace(...given: never): void;
  };
}

/** An operation that doesn't change anything. */
export const READS = 'reads';

/** Marks every cached record as stale, in this process only: other processes load their own configuration. */
export const EVERYTHING_HERE = 'everything here';

/** The consequences of an operation that changes something. */
interface Effect<Given extends readonly unknown[], Result> {
  /**
   * Returns the cached records that the operation made stale, or null. Null instead of a function: no cached record
   * depends on it.
   *
   * @param result undefined if the operation failed. The store may have made the change, if the connection broke before its
   * response.
   */
  readonly stale: ((given: Given, result: Result | undefined) => Change | typeof EVERYTHING_HERE | null) | null;
  /** Returns the events of the keys that the operation changed, or null. Null instead of a function if it doesn't change a key. */
  readonly event: ((given: Given, result: Result) => KeyEvent | readonly KeyEvent[] | null) | null;
}

type EffectOf<Operation> = Operation extends (...given: infer Given) => infer Result
  ? Effect<Given, Awaited<Result>>
  : never;

/** Describes each operation: an operation that is missing, or an effect with a missing property, doesn't compile. */
export type Effects<Parts> = {
  readonly [Part in keyof Parts]-?: {
    readonly [Name in keyof Parts[Part]]-?: typeof READS | EffectOf<Parts[Part][Name]>;
  };
};

/** No cached record depends on the change, and it is not a change of a key that callers can notice. */
const UNSEEN = { stale: null, event: null } as const;

export const EFFECTS = {
  keys: {
    // A token that does not exist yet can't be cached.
    insert: {
      stale: null,
      event: ([key, , now, author], { outcome }) =>
        outcome === 'inserted' ? told('CREATED', key, { at: now, author }) : null,
    },
    insertMany: {
      stale: null,
      event: ([keys, , now, author], { outcome }) =>
        outcome === 'inserted' ? keys.map((key) => told('CREATED', key, { at: now, author })) : null,
    },
    rotate: {
      stale: ofKey,
      event: ([, , , occasion], change) => changedKey('ROTATED', change, occasion),
    },
    expire: { stale: ofKey, event: ([, , , occasion], change) => changedKey('UPDATED', change, occasion) },
    revoke: {
      stale: ofKey,
      // Revoking a key again returns the first revocation and changes nothing.
      event: ([, , , occasion], change) =>
        change.outcome === 'changed' && change.key.revokedAt === occasion.at
          ? told('REVOKED', change.key, occasion)
          : null,
    },
    revokeMany: {
      stale: ([, workspaceId]) => ofWorkspace(workspaceId),
      event: ([, , , occasion], revoked) => revoked.map((key) => told('REVOKED', key, occasion)),
    },
    update: { stale: ofKey, event: ([, , , occasion], change) => changedKey('UPDATED', change, occasion) },
    saveDigest: UNSEEN,
    touch: UNSEEN,
    // The cached record of a removed key shows that it has ended.
    removeEnded: UNSEEN,
    findForVerification: READS,
    findForDerived: READS,
    nextLookupId: READS,
    find: READS,
    findMany: READS,
    documentsOf: READS,
    countFamilies: READS,
    search: READS,
    list: READS,
    count: READS,
  },
  workspaces: {
    create: UNSEEN,
    ensure: UNSEEN,
    setTier: { stale: ([id]) => ofWorkspace(id), event: null },
    find: READS,
    list: READS,
  },
  projects: { create: UNSEEN, rename: UNSEEN, find: READS, findMany: READS, list: READS },
  users: {
    // A new user has no keys.
    add: UNSEEN,
    update: { stale: ([, workspaceId]) => ofWorkspace(workspaceId), event: null },
    remove: { stale: ([, workspaceId]) => ofWorkspace(workspaceId), event: null },
    find: READS,
    findMany: READS,
    list: READS,
  },
  audit: {
    append: UNSEEN,
    archive: UNSEEN,
    base: READS,
    list: READS,
    read: READS,
    head: READS,
    heads: READS,
  },
  usage: { add: UNSEEN, read: READS, report: READS, fields: READS },
  // Caches read a signing key when they first see a token with its ID, and it never changes after that.
  signingKeys: { publish: UNSEEN, find: READS, list: READS },
  guardedSchemas: { publish: UNSEEN, list: READS },
  // Processes ask for units, and learn of them, only when their blocks are used up.
  quotas: { lease: UNSEEN, giveBack: UNSEEN, addCredits: UNSEEN, counters: READS, balances: READS },
  limits: {
    // The keys of a user or of a project are all in one workspace, and an override changes rarely.
    set: { stale: ([{ workspaceId }]) => ofWorkspace(workspaceId), event: null },
    findMany: READS,
    list: READS,
  },
  configuration: { replace: { stale: () => EVERYTHING_HERE, event: null } },
} as const satisfies Effects<Changeable>;

/** Receives the effects of each operation, before its result is returned. */
export interface EffectListener {
  readonly stale: (change: Change | typeof EVERYTHING_HERE) => void;
  /** Called after {@link stale}, so that caches are updated before a change is reported. Default: events are dropped. */
  readonly event?: ((event: KeyEvent) => void) | undefined;
}

/**
 * Wraps parts of a store, or the configuration, so that the effects of each operation are announced. All arguments are
 * passed on, so that a future parameter of an operation is not lost here.
 */
export function announcing<Parts extends Partial<Changeable>>(parts: Parts, listener: EffectListener): Parts {
  const replaced: Partial<Record<string, object>> = {};
  for (const [part, effects] of Object.entries(EFFECTS)) {
    const target = parts[part as keyof Parts] as object | undefined;
    // A custom store may lack parts.
    if (target !== undefined) replaced[part] = announcingPart(target, effects, listener);
  }
  return overlaid(parts, replaced as Partial<Parts>);
}

type AnyEffect = Effect<readonly unknown[], unknown>;
type AnyOperation = (...given: readonly unknown[]) => unknown;

function announcingPart(target: object, effects: object, listener: EffectListener): object {
  const methods: Record<string, AnyOperation> = {};
  for (const [name, effect] of Object.entries(effects) as [string, typeof READS | AnyEffect][]) {
    if (effect === READS || (effect.stale === null && effect.event === null)) continue;
    methods[name] = (...given) => {
      const call = (): unknown => (target as Record<string, AnyOperation>)[name]?.(...given);
      return following(call, {
        done: (result) => announce(effect, given, result, listener),
        failed: () => announceStale(effect, given, undefined, listener),
      });
    };
  }
  return Object.keys(methods).length === 0 ? target : overlaid(target, methods);
}

/** Calls an operation, and one of two functions before its result or error is passed on. */
function following(
  call: () => unknown,
  { done, failed }: { readonly done: (result: unknown) => void; readonly failed: () => void },
): unknown {
  const fail = (error: unknown): never => {
    failed();
    throw error;
  };
  const settle = (result: unknown): unknown => {
    done(result);
    return result;
  };
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    return fail(error);
  }
  return isPromise(result) ? (result as Promise<unknown>).then(settle, fail) : settle(result);
}

function announce(effect: AnyEffect, given: readonly unknown[], result: unknown, listener: EffectListener): void {
  announceStale(effect, given, result, listener);
  if (listener.event === undefined) return;
  for (const event of [effect.event?.(given, result) ?? []].flat()) listener.event(event);
}

function announceStale({ stale }: AnyEffect, given: readonly unknown[], result: unknown, to: EffectListener): void {
  const change = stale?.(given, result) ?? null;
  if (change !== null) to.stale(change);
}

function ofKey(
  [, workspaceId]: readonly [id: string, workspaceId: string | null, ...unknown[]],
  change: KeyChange | undefined,
): Change | null {
  if (change === undefined) return workspaceId === null ? null : ofWorkspace(workspaceId);
  return change.outcome === 'unknown' ? null : { kind: 'key', lookupId: change.key.lookupId };
}

function ofWorkspace(workspaceId: string): Change {
  return { kind: 'workspace', workspaceId };
}

function changedKey(type: KeyEventType, change: KeyChange, occasion: Occasion): KeyEvent | null {
  return change.outcome === 'changed' ? told(type, change.key, occasion) : null;
}

function told(
  type: KeyEventType,
  key: Pick<KeyRecord, 'id' | 'workspaceId' | 'projectId'>,
  { at, author }: Occasion,
): KeyEvent {
  return keyEvent(type, key, at, { actor: author?.id });
}
