import type { Author, Occasion } from './audit.js';
import type { AuditStore } from './auditStore.js';
import type { JudgedUser } from './changes.js';
import type { KeyStore } from './keyStore.js';
import type { QuotaStore } from './quotaStore.js';
import type {
  GuardedSchemaRecord,
  KeyRecord,
  LimitOverride,
  OverrideSubject,
  ProjectRecord,
  SigningKeyRecord,
  Tier,
  UserRecord,
  WorkspaceRecord,
} from './records.js';
import type { UsageStore } from './usageStore.js';

/**
 * The database operations that Latchkey needs, and their guarantees. Two engines implement them, and one test suite
 * (test/core/store) checks both. Code above this interface doesn't know which engine is used.
 *
 * Guarantees of every operation:
 * - durable: when a write's promise resolves, the write is on disk (SQLite synchronous=FULL, MongoDB majority);
 * - atomic: a write happens completely or not at all, even with `kill -9` and concurrent processes;
 * - errors: `StoreUnavailable` when the engine cannot be reached or does not respond in time, `Duplicate`
 *   when a unique value already exists. Errors of the driver are never passed on.
 * - `now` is passed by the caller, in ms since the epoch, so that all checks use one clock;
 * - audited: an operation with an author adds an entry to the audit log of the workspace, atomically with the change,
 *   and none if nothing changed. Without an author, the installation itself is the author.
 *
 * @example
 * ```ts
 * import { openSqliteStore, type Store } from 'latchkey';
 *
 * const store: Store = await openSqliteStore({ dir: './data' });
 * process.once('SIGTERM', () => void store.close());
 * ```
 */
export interface Store {
  readonly keys: KeyStore;
  readonly workspaces: WorkspaceStore;
  readonly projects: ProjectStore;
  readonly users: UserStore;
  readonly audit: AuditStore;
  readonly usage: UsageStore;
  readonly signingKeys: SigningKeyStore;
  readonly guardedSchemas: GuardedSchemaStore;
  readonly quotas: QuotaStore;
  readonly limits: LimitOverrideStore;
  /**
   * Returns a number that changes with every change to an existing key, its owner, its workspace or an override of limits, by
   * any process, except for the last use of a key. If it is still the same, everything that `keys.findForVerification`
   * returned for existing keys is still valid. Synchronous, and takes microseconds. Absent if the engine has none. null if it is unknown
   * at the moment.
   */
  readonly version?: () => number | null;
  /** Resolves if the engine responds, otherwise rejects with StoreUnavailable within two seconds. */
  ping(): Promise<void>;
  /** Closes everything that the store itself opened. A connection passed by the caller stays open. Idempotent. */
  close(): Promise<void>;
}

/** A change of a user. `judged` is the user as it was when the caller was allowed to change it. */
export interface UserOccasion extends Occasion {
  readonly judged?: JudgedUser | undefined;
}

export interface WorkspaceStore {
  /**
   * Adds a workspace and its first key, both or neither; the key takes a place. The author's key is checked as in
   * {@link KeyStore.insert}: with `authorEnded`, nothing was written.
   *
   * @throws Duplicate if the workspace's ID already exists; exactly one of several concurrent calls with one ID
   * succeeds.
   */
  create(workspace: WorkspaceRecord, firstKey: KeyRecord, author?: Author): Promise<'created' | 'authorEnded'>;
  /** Adds a workspace without a key unless its ID already exists, and returns which was the case. */
  ensure(workspace: WorkspaceRecord): Promise<'created' | 'existed'>;
  find(id: string): Promise<WorkspaceRecord | null>;
  /** Returns the oldest first; at most `first`. */
  list(first: number): Promise<readonly WorkspaceRecord[]>;
  /**
   * Changes the tier. The author's key is checked as in {@link KeyStore.expire}.
   *
   * @returns the record after the change; null if there is no such workspace; `authorEnded`, with nothing written
   */
  setTier(id: string, tier: Tier, now: number, author?: Author): Promise<WorkspaceRecord | 'authorEnded' | null>;
}

/** Projects other than the workspace's default project, which has no record. */
export interface ProjectStore {
  /** @throws Duplicate `project.id`, and `project.name` if the workspace has a project with this name. */
  create(project: ProjectRecord, author?: Author): Promise<void>;
  find(id: string): Promise<ProjectRecord | null>;
  /** Returns several projects by their IDs, in one read and in no order. Ignores unknown IDs. */
  findMany(ids: readonly string[]): Promise<readonly ProjectRecord[]>;
  /** Returns projects by `createdAt` and then `id`, ascending, after `after`. */
  list(
    workspaceId: string,
    options: { readonly first: number; readonly after: { readonly createdAt: number; readonly id: string } | null },
  ): Promise<readonly ProjectRecord[]>;
  /**
   * @returns the record after the change; null if the workspace has no such project
   * @throws Duplicate `project.name`
   */
  rename(id: string, workspaceId: string, name: string, occasion: Occasion): Promise<ProjectRecord | null>;
}

export interface UserStore {
  /** @throws Duplicate `user.id` */
  add(user: UserRecord, author?: Author): Promise<void>;
  find(id: string): Promise<UserRecord | null>;
  /** Returns several users by their IDs, in one read and in no order. Ignores unknown IDs. */
  findMany(ids: readonly string[]): Promise<readonly UserRecord[]>;
  /** Returns users who were not removed, by `createdAt` and then `id`, ascending, after `after`. */
  list(
    workspaceId: string,
    options: { readonly first: number; readonly after: { readonly createdAt: number; readonly id: string } | null },
  ): Promise<readonly UserRecord[]>;
  /**
   * Updates a user who was not removed. Absent fields stay the same.
   *
   * The author's key is checked as in {@link KeyStore.expire}.
   *
   * @returns the record after the change; null if there is no such user; `moved` if the roles have changed since
   * `occasion.judged`, or `authorEnded`, with nothing written
   */
  update(
    id: string,
    workspaceId: string,
    change: Partial<Pick<UserRecord, 'name' | 'roles' | 'externalId'>>,
    occasion: UserOccasion,
  ): Promise<UserRecord | 'moved' | 'authorEnded' | null>;
  /**
   * Removes a user permanently. A second call changes nothing.
   *
   * @returns as {@link update}
   */
  remove(id: string, workspaceId: string, occasion: UserOccasion): Promise<UserRecord | 'moved' | 'authorEnded' | null>;
}

/** Limits of single subjects that replace their tier's limits. */
export interface LimitOverrideStore {
  /**
   * Sets the override of a subject, in place of an earlier one; if it replaces nothing ({@link isEmpty}), removes it. The
   * author's key is checked as in {@link KeyStore.expire}.
   *
   * @param entry what the audit entry names: the key or other object, and its project
   * @returns the override before; null if there was none; `authorEnded`, with nothing written
   */
  set(
    override: LimitOverride,
    entry: Occasion & { readonly subject: string; readonly projectId: string | null },
  ): Promise<LimitOverride | 'authorEnded' | null>;
  /** Returns the overrides of several subjects of a workspace, including ended ones, in one read and in any order. */
  findMany(workspaceId: string, subjects: readonly OverrideSubject[]): Promise<readonly LimitOverride[]>;
  /** Returns overrides of a workspace by `kind` and then `subjectId`, after `after`. Reads by index. */
  list(
    workspaceId: string,
    options: { readonly first: number; readonly after: OverrideSubject | null },
  ): Promise<readonly LimitOverride[]>;
}

/** The public keys of all processes. There is one or two for each process, so there are few. */
export interface SigningKeyStore {
  /**
   * Adds a public key, or changes the end of a key with this ID; its other fields never change. Also removes the keys
   * that have ended at `now`, which may include this one.
   */
  publish(key: SigningKeyRecord, now: number): Promise<void>;
  /** Returns a key by its ID, even if it has ended but was not removed yet. Reads by unique index. */
  find(id: string): Promise<SigningKeyRecord | null>;
  /** Returns the keys that have not ended at `now`, latest end first; at most `first`. Reads by index. */
  list(now: number, first: number): Promise<readonly SigningKeyRecord[]>;
}

/** The schemas that processes on this store guard. Processes with the same schema share a record, so there are few. */
export interface GuardedSchemaStore {
  /** Adds a schema, or replaces the one with this ID. Also removes the schemas that have ended at `now`. */
  publish(schema: GuardedSchemaRecord, now: number): Promise<void>;
  /** Returns the schemas that have not ended at `now`, latest end first; at most `first`. Reads by index. */
  list(now: number, first: number): Promise<readonly GuardedSchemaRecord[]>;
}
