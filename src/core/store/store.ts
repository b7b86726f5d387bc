import type { AuditAction, AuditDraft, AuditEntry, AuditHead, Author, Occasion } from './audit.js';
import type { Forfeit, JudgedKey, JudgedUser, KeyAmendment } from './changes.js';
import type { UsagePeriod } from './periods.js';
import type { QuotaStore } from './quotaStore.js';
import type {
  KeyDocuments,
  KeyRecord,
  KeyStatus,
  KeySummary,
  KeyType,
  Environment,
  FieldUse,
  LimitOverride,
  OverrideSubject,
  GuardedSchemaRecord,
  ProjectRecord,
  SigningKeyRecord,
  Tier,
  UsageBatch,
  UsageRecord,
  UserRecord,
  WorkspaceRecord,
} from './records.js';
import type { KeyOrder, KeyPosition } from './ordering.js';
import type { ReportDimension, ReportPeriod, ReportPlace, ReportRow } from './usageReport.js';

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
  /** Resolves if the engine responds, otherwise rejects with StoreUnavailable within two seconds. */
  ping(): Promise<void>;
  /** Closes everything that the store itself opened. A connection passed by the caller stays open. Idempotent. */
  close(): Promise<void>;
}

/** A key with the other records that determine its permissions. */
export interface KeyWithTier {
  readonly key: KeyRecord;
  readonly tier: Tier;
  /** The user who owns it; null for a key of the workspace. */
  readonly user: UserRecord | null;
  /** The overrides of its limits and of those of its owner, project and workspace, also ended ones. Absent: none. */
  readonly overrides?: readonly LimitOverride[];
}

/** The outcome of an attempt to change a key. `key` is the record after the attempt. */
export type KeyChange =
  | { readonly outcome: 'changed'; readonly key: KeyRecord }
  /** It was already revoked or expired; nothing was written. */
  | { readonly outcome: 'ended'; readonly key: KeyRecord }
  /** It was already replaced by a rotation; nothing was written. */
  | { readonly outcome: 'replaced'; readonly key: KeyRecord }
  /**
   * With these scopes it would take a place of the other kind, and all of them are taken by `living` families; nothing
   * was written.
   */
  | { readonly outcome: 'full'; readonly key: KeyRecord; readonly living: number }
  /** It has changed since the caller was authorized; nothing was written. */
  | { readonly outcome: 'moved'; readonly key: KeyRecord }
  /**
   * Its user was removed, or the author's key has ended or lost permissions. A successor that was already written has
   * been revoked.
   */
  | { readonly outcome: Forfeit; readonly key: KeyRecord }
  /** There is no such key in that workspace; nothing was written. */
  | { readonly outcome: 'unknown' };

/** How many active families a tier allows in a workspace; null: any number. */
export interface PlaceLimits {
  /** Families with an active key that doesn't only administer. */
  readonly keys: number | null;
  /** Families whose active keys only administer. */
  readonly adminKeys: number | null;
}

export type PlaceKind = keyof PlaceLimits;

/** Places by the stored tier of a workspace. Plain data, which can be sent to a thread. */
export interface PlacesByTier {
  readonly byTier: Readonly<Record<Tier, PlaceLimits>>;
  /** For tiers that are not in {@link byTier}. */
  readonly otherwise: PlaceLimits;
}

/**
 * How many families of the key's kind a workspace may have: a number, null for any number, or what the workspace's
 * current tier allows.
 */
export type Places = number | null | PlacesByTier;

export type Insertion =
  | { readonly outcome: 'inserted' }
  /** All places are taken by `living` families; nothing was written. */
  | { readonly outcome: 'full'; readonly living: number }
  /**
   * Its user was removed or belongs to another workspace, or the author's key has ended or lost permissions. Nothing
   * was written.
   */
  | { readonly outcome: Forfeit };

/** What {@link KeyStore.removeEnded} did. */
export interface Removal {
  /** The number of keys that this call removed. */
  readonly removed: number;
  /** Whether the call found fewer keys than it may remove. If not, call again. */
  readonly isDone: boolean;
}

export interface KeyFilter {
  readonly status?: KeyStatus;
  readonly type?: KeyType;
  readonly environment?: Environment;
  /** Part of the name, case-insensitive. Matched literally, not as a pattern. */
  readonly nameContains?: string;
  /** Has exactly this scope. */
  readonly scope?: string;
  /** Is bound to this project. */
  readonly projectId?: string;
  /** Belongs to this user. */
  readonly userId?: string;
  /** Has this external ID. Doesn't include keys whose user has it. */
  readonly externalId?: string;
}

/** Known parts of a token. Finds keys that match any of them. */
export interface KeyClues {
  /** Complete lookup IDs. */
  readonly lookupIds: readonly string[];
  /** The first characters of a lookup ID, at least two; null: unknown. */
  readonly beginning: string | null;
  /** The complete `tokenPrefix` of an imported key; null: unknown. */
  readonly foreignPrefix: string | null;
}

export interface KeyPage {
  readonly keys: readonly KeySummary[];
  readonly hasNextPage: boolean;
}

/** A change of a key. `judged` is the key as it was when the caller was allowed to change it. */
export interface KeyOccasion extends Occasion {
  readonly judged?: JudgedKey | undefined;
}

/** A change of a user. `judged` is the user as it was when the caller was allowed to change it. */
export interface UserOccasion extends Occasion {
  readonly judged?: JudgedUser | undefined;
}

export interface KeyStore {
  /**
   * Adds the first key of a new family and takes a place in its workspace, atomically. If `places` is a number, the
   * workspace never has more than that many active families of the key's kind, however many calls run concurrently in
   * however many processes, and as many calls succeed as there were places. A family is active while one of its keys is
   * (so a key and its successor in overlap count once). Revoked and expired keys free their place without another call.
   * Families created while the workspace had no limit or a higher one count as well. `places` null: no limit.
   *
   * The workspace's tier, the key's user and the author's key are checked atomically with the insertion. So no key of a
   * user is active after the removal of the user and the revocation of the user's keys have returned. No key is created
   * by a key whose revocation has returned or, with `author.judged`, whose end or loss of permissions has. And no key
   * takes a place that a lower tier removed.
   *
   * @throws Duplicate if `lookupId` or `id` already exists.
   */
  insert(key: KeyRecord, places: Places, now: number, author?: Author): Promise<Insertion>;

  /**
   * Adds several keys of one workspace, at most 1,000, like {@link insert}: all of them, or none. `full`: they need more
   * places than are free. Each key gets an audit entry, and the entries follow each other unless others are added at the
   * same time. Takes a number of round trips that hardly depends on the number of keys.
   *
   * If the store does not confirm the write, MongoDB may have added some of the keys. If the tier, the author or other
   * keys of the workspace change in the same moment, MongoDB may also refuse keys for which there are places. Keys that
   * it had added by then are revoked.
   *
   * @throws Duplicate if a `lookupId` or `id` already exists
   */
  insertMany(keys: readonly KeyRecord[], places: Places, now: number, author?: Author): Promise<Insertion>;

  /**
   * Returns the key with that lookup ID, its workspace's tier and its user: one read by unique index, in MongoDB one
   * more if it has a user. Every uncached request calls this.
   */
  findForVerification(lookupId: string): Promise<KeyWithTier | null>;

  /** Like {@link findForVerification}, by the key's ID, which tokens contain that were derived from the key. */
  findForDerived(id: string): Promise<KeyWithTier | null>;

  /**
   * Returns the first lookup ID that is greater than or equal to `from`, by code units, whatever its key's state; null:
   * there is none. Includes removed keys ({@link removeEnded}), whose lookup IDs stay taken. Reads by unique index.
   */
  nextLookupId(from: string): Promise<string | null>;

  /** Returns a key by its ID; with `workspaceId`, only within that workspace. */
  find(id: string, workspaceId: string | null): Promise<KeyRecord | null>;

  /**
   * Returns several keys by their IDs, in one read and in no order. Ignores unknown IDs. This operation, {@link search}
   * and {@link list} don't read trusted documents, which can be tens of kilobytes for each key.
   */
  findMany(ids: readonly string[], workspaceId: string | null): Promise<readonly KeySummary[]>;

  /** Returns the trusted documents of several keys by their IDs, in one read and in no order. Ignores unknown IDs. */
  documentsOf(ids: readonly string[], workspaceId: string | null): Promise<readonly KeyDocuments[]>;

  /** Counts the active families in the workspace at `now`: all of them, or those of a kind. */
  countFamilies(workspaceId: string, now: number, kind?: PlaceKind): Promise<number>;

  /**
   * Finds keys by known parts of their tokens, in any state, by ID; at most `first`. Uses the unique index of lookup
   * IDs and the index of prefixes.
   *
   * @param reach null: no restriction
   */
  search(
    clues: KeyClues,
    reach: { readonly workspaceId: string | null; readonly projectId: string | null },
    first: number,
  ): Promise<readonly KeySummary[]>;

  /**
   * Returns a page in an order, by default newest first. `after` is the position of the last row of the previous page.
   * The order is total, so that pages neither repeat nor miss a key that existed throughout and kept its position.
   * Reads by index.
   */
  list(
    workspaceId: string,
    options: {
      readonly first: number;
      readonly after: KeyPosition | null;
      readonly filter: KeyFilter;
      readonly order?: KeyOrder;
      readonly now: number;
    },
  ): Promise<KeyPage>;

  /** Counts the keys of the workspace that match a filter. Separate from `list`, because it reads all matching keys. */
  count(workspaceId: string, filter: KeyFilter, now: number): Promise<number>;

  /**
   * Replaces an active key that was not replaced yet: writes `successor`, and on the old key `replacedBy` and
   * `expiresAt = min(its own, overlapEnd)`, both or neither. Exactly one of several concurrent calls for one key
   * succeeds. The successor belongs to the old key's family and takes no further place. `key` in the result is the old
   * key. Its user and the author's key are checked as in {@link insert}.
   *
   * With `occasion.judged`, here and below: if a field of {@link JudgedKey} has changed since, nothing is written and the
   * result is `moved`.
   */
  rotate(
    id: string,
    workspaceId: string | null,
    next: { readonly successor: KeyRecord; readonly overlapEnd: number },
    occasion: KeyOccasion,
  ): Promise<KeyChange>;

  /**
   * Sets the end of an active key to `end` (if that is `occasion.at`, it ends immediately), and its `lifetime` to null. The end
   * of a key that was replaced can only become earlier: with a later `end`, nothing is written and the result is
   * `replaced`.
   *
   * Here and in {@link update}, with `author.judged`, the author's key is read again: if it was revoked, has ended or
   * lost permissions, nothing is written and the result is `authorEnded`. SQLite reads it in the transaction that
   * writes, MongoDB just before the write, so that a revocation in the milliseconds between may come too late to stop
   * the change.
   */
  expire(id: string, workspaceId: string | null, end: number, occasion: KeyOccasion): Promise<KeyChange>;

  /**
   * Revokes a key, even an expired one. The time and reason of the first revocation are kept: another call returns
   * `changed` with the unchanged record.
   */
  revoke(id: string, workspaceId: string | null, reason: string | null, occasion: Occasion): Promise<KeyChange>;

  /**
   * Revokes several keys of a workspace, at most 100, like {@link revoke} and with an entry for each, with a number of round trips
   * that doesn't depend on the number of keys. Unknown keys and keys that were already revoked are left out. A key that another
   * call changes at the same time may be left out, too: list the keys again to see whether any is still active. Doesn't check the
   * author's key.
   *
   * @returns the keys that this call revoked, in no order
   */
  revokeMany(
    ids: readonly string[],
    workspaceId: string,
    reason: string | null,
    occasion: Occasion,
  ): Promise<readonly KeyRecord[]>;

  /**
   * Updates an active key. Absent fields stay the same. If a change of scopes makes its family stop being a family that
   * only administers, or become one, the family takes a place of its new kind atomically, or the result is `full`.
   *
   * @param occasion `places`: the places of the new kind. Default: any number
   */
  update(
    id: string,
    workspaceId: string | null,
    change: KeyAmendment,
    occasion: KeyOccasion & { readonly places?: Places },
  ): Promise<KeyChange>;

  /** Stores a new digest of a key's secret. Not an error if the key does not exist. */
  saveDigest(id: string, digest: string): Promise<void>;

  /** Moves `lastUsedAt` of each key forward, never back, in one bulk write. Ignores unknown IDs. */
  touch(uses: ReadonlyMap<string, number>): Promise<void>;

  /**
   * Removes keys for good that were revoked at or before `before`, or expired then and were not revoked; at most `limit` keys of any
   * workspaces, found by index. From then on every operation treats a removed key as unknown, except that its ID and lookup ID stay
   * taken, and that it can't be the author of a change. A family keeps its place as long as one of its keys is active. Other keys that name
   * a removed key in `replaces`, `replacedBy` or `createdBy` still do. Usage and audit entries stay. Adds no audit entry.
   *
   * Several processes may call it at the same time: each key is removed once.
   */
  removeEnded(before: number, limit: number): Promise<Removal>;
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

/** Limits of single subjects in place of those of their tier. */
export interface LimitOverrideStore {
  /**
   * Sets the override of a subject, in place of an earlier one; if it replaces nothing ({@link isEmpty}), removes it. The
   * author's key is checked as in {@link KeyStore.expire}.
   *
   * @param entry what the audit entry names: the key or other object, and its project
   * @returns the override before; null: there was none; `authorEnded`, with nothing written
   */
  set(
    override: LimitOverride,
    entry: Occasion & { readonly subject: string; readonly projectId: string | null },
  ): Promise<LimitOverride | 'authorEnded' | null>;
  /** Returns the overrides of several subjects of a workspace, also those that have ended, in one read and in no order. */
  findMany(workspaceId: string, subjects: readonly OverrideSubject[]): Promise<readonly LimitOverride[]>;
  /** Returns overrides of a workspace by `kind` and then `subjectId`, after `after`. Reads by index. */
  list(
    workspaceId: string,
    options: { readonly first: number; readonly after: OverrideSubject | null },
  ): Promise<readonly LimitOverride[]>;
}

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
   * are deleted afterwards in bounded batches. Another call with the same `until` after an interrupted one completes
   * the deletion, and adds no second entry.
   *
   * @param after the position after which the log begins, as read by the caller
   * @returns `moved`: the log begins elsewhere by now; `unknown`: there is no such entry. In both cases nothing was
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
 * The audit log. Entries are added with the changes that they describe, or here if there is no change. Nothing alters
 * an entry, and only archived entries are removed.
 */
export interface AuditStore extends ArchiveStore {
  /** Adds an entry to its workspace's chain. Does nothing if an entry with this ID exists. */
  append(draft: AuditDraft): Promise<void>;
  /**
   * Returns entries before `before` in the chain, newest first. With `from` or `to`, the order is by time and then by
   * position, and `before` is the position of an entry: the clocks of processes differ, so the order of times can
   * differ from that of the chain.
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

/** The periods to read: those that start at or after `from` and before `to`. */
export interface UsageSpan {
  /** The start of a period, like `to`. */
  readonly from: number;
  readonly to: number;
  readonly by: UsagePeriod;
}

/** Rows of a usage report to read. */
export interface ReportQuery {
  readonly dimension: ReportDimension;
  readonly by: ReportPeriod;
  readonly from: number;
  readonly to: number;
  readonly after: ReportPlace | null;
  readonly first: number;
}

export interface UsageStore {
  /**
   * Adds the activity of keys, by the minute, to each key's counts for the minute, hour and day, to its fields of the
   * day, and to the usage report of its workspace for the hour, day and month, in bulk. Concurrent calls add up. Counts
   * older at `now` than their retention ({@link USAGE_PERIODS}, {@link FIELDS_KEPT}, {@link REPORT_PERIODS}) may then be
   * deleted, here or by the engine. In a report, values beyond {@link MAX_VALUES} are counted together.
   *
   * A batch is added completely and once: with an ID that was added within the last 24 hours, the call does nothing.
   * MongoDB may show a batch in parts until it is added completely, which another process does if this one ends.
   *
   * @throws StoreUnavailable if nothing was written; Unacknowledged if the batch may have been: send it again
   */
  add(batch: UsageBatch, now: number): Promise<void>;

  /**
   * Returns the counts of each key and period that has any, in any order: at most one row for a key and period; one
   * read by index.
   */
  read(keyIds: readonly string[], span: UsageSpan): Promise<readonly UsageRecord[]>;

  /**
   * Returns rows of the usage report of a workspace, at most `first`, in the order of {@link ReportPlace}: by start, and
   * then by value and project in an order that the engine chooses. All rows of one start and value follow each other.
   * Reads by index.
   *
   * @param query the periods that start at or after `from` and before `to`; `after`: the place before the first row
   */
  report(workspaceId: string, query: ReportQuery): Promise<readonly ReportRow[]>;

  /**
   * Returns the guarded fields that a key used on the days that start at or after `from` and before `to`, by coordinate
   * (code-unit order); one read by index.
   */
  fields(keyId: string, from: number, to: number): Promise<readonly FieldUse[]>;
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
