import type { AuditAction, AuditDraft, AuditEntry, AuditHead, Author } from './audit.js';
import type { Forfeit, JudgedKey, JudgedUser, KeyAmendment } from './changes.js';
import type { UsagePeriod } from './periods.js';
import type {
  AlertChanges,
  AlertKind,
  AlertRecord,
  AssetColumns,
  AssetLinks,
  AssetRecord,
  AssetSummary,
  AssetTexts,
  Column,
  EventRecord,
  KeyRecord,
  LoadRecord,
  KeyStatus,
  KeyType,
  Environment,
  FieldUse,
  ProjectRecord,
  Tier,
  UsageAddition,
  UsageRecord,
  UserRecord,
  WorkspaceRecord,
} from './records.js';
import type { KeyOrder, KeyPosition } from './ordering.js';

/**
 * The named operations that Latchkey needs of a database, each with what it guarantees. Two engines implement them and
 * one suite (test/store) holds both to every guarantee. Nothing above this interface knows which engine runs.
 *
 * For every operation:
 * - durable: when a write's promise resolves, the write is on disk (SQLite synchronous=FULL, MongoDB majority);
 * - atomic: a write happens whole or not at all, also under `kill -9` and beside other processes;
 * - errors: {@link StoreUnavailable} when the engine cannot be reached or does not answer in time, {@link Duplicate} when
 *   a unique value is taken. No driver's error passes through.
 * - `now` is given by the caller, in ms since the epoch, so that one clock judges;
 * - audited: whatever takes an author adds an entry to the audit log of the workspace, in the same atomic step as the
 *   change, and none where nothing was changed. Without an author it is the installation's own doing.
 */
export interface Store {
  readonly keys: KeyStore;
  readonly workspaces: WorkspaceStore;
  readonly projects: ProjectStore;
  readonly users: UserStore;
  readonly audit: AuditStore;
  readonly usage: UsageStore;
  readonly assets: AssetStore;
  readonly events: EventStore;
  /** Resolves while the engine answers, otherwise rejects with StoreUnavailable within two seconds. */
  ping(): Promise<void>;
  /** Ends what the store itself opened. A connection that was handed in stays open. Idempotent. */
  close(): Promise<void>;
}

/** A key with what else decides what it may do. */
export interface KeyWithTier {
  readonly key: KeyRecord;
  readonly tier: Tier;
  /** To whom it belongs; null for a key of the workspace itself. */
  readonly user: UserRecord | null;
}

/** What became of an attempt to change a key. `key` is the record after the attempt. */
export type KeyChange =
  | { readonly outcome: 'changed'; readonly key: KeyRecord }
  /** It was revoked or had expired before; nothing was written. */
  | { readonly outcome: 'ended'; readonly key: KeyRecord }
  /** A rotation replaced it before; nothing was written. */
  | { readonly outcome: 'replaced'; readonly key: KeyRecord }
  /** With these scopes it would count among the others, and no place is left beside so many of them; nothing was written. */
  | { readonly outcome: 'full'; readonly key: KeyRecord; readonly living: number }
  /** It is no longer as the caller judged it; nothing was written. */
  | { readonly outcome: 'moved'; readonly key: KeyRecord }
  /** Its user has left, or the author's key ended or may do less than it was judged by. What had been written of a successor by then is revoked. */
  | { readonly outcome: Forfeit; readonly key: KeyRecord }
  /** No such key in that workspace; nothing was written. */
  | { readonly outcome: 'unknown' };

/** What a tier allows of living families in a workspace; null: any number. */
export interface PlaceLimits {
  /** Families of which a living key does more than administer. */
  readonly keys: number | null;
  /** Families whose living keys only administer. */
  readonly adminKeys: number | null;
}

export type PlaceKind = keyof PlaceLimits;

/**
 * How many families of the key's kind a workspace may hold: a number, null for any, or by the tier that the workspace has at
 * that moment.
 */
export type Places = number | null | ((tier: Tier) => PlaceLimits);

export type Insertion =
  | { readonly outcome: 'inserted' }
  /** No place was left beside so many living families; nothing was written. */
  | { readonly outcome: 'full'; readonly living: number }
  /** Its user has left, or is none of the workspace; or the author's key ended or may do less than it was judged by. Nothing was written. */
  | { readonly outcome: Forfeit };

export interface KeyFilter {
  readonly status?: KeyStatus;
  readonly type?: KeyType;
  readonly environment?: Environment;
  /** Part of the name, whatever its case. Taken literally: no pattern. */
  readonly nameContains?: string;
  /** Has exactly this scope. */
  readonly scope?: string;
  /** Is bound to this project. */
  readonly projectId?: string;
  /** Belongs to this user. */
  readonly userId?: string;
}

/** What is known of a token. A key that matches any of it is found. */
export interface KeyClues {
  /** Whole lookup ids. */
  readonly lookupIds: readonly string[];
  /** The first characters of a lookup ID, at least two; null: unknown. */
  readonly beginning: string | null;
  /** What may be shown of an imported key: its whole `tokenPrefix`; null: unknown. */
  readonly foreignPrefix: string | null;
}

export interface KeyPage {
  readonly keys: readonly KeyRecord[];
  readonly hasNextPage: boolean;
}

export interface KeyStore {
  /**
   * Adds the first key of a new family and takes a place in its workspace, in one atomic step. With `places` a number,
   * the workspace never holds more than that many living families of the key's kind however many calls run at once in however many
   * processes, and as many calls succeed as there were places. A family lives while one of its keys does (so a key and
   * its successor in overlap count once); revoked and expired keys free their place without any further call. Families
   * made while the workspace was unlimited, or had more places, count as well. `places` null: no limit.
   *
   * The workspace's tier, the key's user and the author's key are judged in the same step: no key of a user is alive once
   * the user's removal was answered and the user's keys were revoked, no key is made by a key whose revocation was answered or, with `author.judged`, whose end or loss of rights was,
   * and none takes a place that a lower tier took away.
   *
   * @throws Duplicate when `lookupId` or `id` is taken.
   */
  insert(key: KeyRecord, places: Places, now: number, author?: Author): Promise<Insertion>;

  /**
   * The key of that lookup id with its workspace's tier and its user: one read by unique index, in MongoDB one more where
   * it belongs to a user. This stands on the request's path.
   */
  findForVerification(lookupId: string): Promise<KeyWithTier | null>;

  /**
   * The first lookup id that is `from` or comes after it, by code units, whatever its key's state; null: there is none. One
   * read by unique index.
   */
  nextLookupId(from: string): Promise<string | null>;

  /** A key by its id; with `workspaceId`, only within that workspace. */
  find(id: string, workspaceId: string | null): Promise<KeyRecord | null>;

  /** Several keys by their ids, in one read and in no order; unknown ids are passed over. */
  findMany(ids: readonly string[], workspaceId: string | null): Promise<readonly KeyRecord[]>;

  /** Living families in the workspace at `now`: all of them, or those of a kind. */
  countFamilies(workspaceId: string, now: number, kind?: PlaceKind): Promise<number>;

  /**
   * Finds keys by what is known of their tokens, in any state, by id; at most `first`. Reads by the unique index of lookup
   * ids and the index of prefixes.
   * @param reach null: everything
   */
  search(
    clues: KeyClues,
    reach: { readonly workspaceId: string | null; readonly projectId: string | null },
    first: number,
  ): Promise<readonly KeyRecord[]>;

  /**
   * A page in an order, by default newest first; `after` is the position of the last row of the page before. The order is
   * total, so that pages neither repeat nor lose a key that existed throughout and kept its place. Reads by index.
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

  /** Returns how many keys of the workspace match a filter. Pages don't count: this reads as much as the filter matches. */
  count(workspaceId: string, filter: KeyFilter, now: number): Promise<number>;

  /**
   * Replaces a living key that nothing has replaced: writes `successor`, and on the old one `replacedBy` and
   * `expiresAt = min(its own, overlapEnd)`, both or neither. Of concurrent calls for one key exactly one succeeds. The
   * successor (its family the old one's) takes no further place. `key` in the answer is the old key. Its user and the
   * author's key are judged as in {@link insert}.
   *
   * @param judged here and below: the key as the caller read it to decide whether the change is allowed. Where it has
   * changed since in a field of {@link JudgedKey}, nothing is written and the answer is `moved`.
   */
  rotate(
    id: string,
    workspaceId: string | null,
    successor: KeyRecord,
    overlapEnd: number,
    now: number,
    author?: Author,
    judged?: JudgedKey,
  ): Promise<KeyChange>;

  /**
   * Sets the end of a living key to `at` (which may be `now`: it has then ended), and its `lifetime` to null. A key that
   * was replaced only ever gets an earlier end: a later `at` leaves it as it is and answers `replaced`.
   *
   * Here and in {@link update}, with `author.judged`, the author's key is read again: if it was revoked, has ended or may do
   * less, nothing is written and the answer is `authorEnded`. SQLite reads it in the transaction that writes, MongoDB just
   * before the write, so that a revocation in the milliseconds between the two may come too late to stop the change.
   */
  expire(
    id: string,
    workspaceId: string | null,
    at: number,
    now: number,
    author?: Author,
    judged?: JudgedKey,
  ): Promise<KeyChange>;

  /**
   * Revokes a key, expired ones too. The first revocation's time and reason stay: a further one answers `changed` with
   * the record as it is.
   */
  revoke(
    id: string,
    workspaceId: string | null,
    reason: string | null,
    now: number,
    author?: Author,
  ): Promise<KeyChange>;

  /**
   * Changes a living key; what is absent stays. Where scopes change that alone made its family administer, or the last that
   * did more, the family takes a place among the others in the same step, or the answer is `full`.
   * @param places default: any number
   */
  update(
    id: string,
    workspaceId: string | null,
    change: KeyAmendment,
    now: number,
    author?: Author,
    judged?: JudgedKey,
    places?: Places,
  ): Promise<KeyChange>;

  /** Stores the digest of a key's secret anew. No error where the key is gone. */
  saveDigest(id: string, digest: string): Promise<void>;

  /** Moves `lastUsedAt` of each key forward, never back, in one bulk write. Unknown ids are passed over. */
  touch(uses: ReadonlyMap<string, number>): Promise<void>;
}

export interface WorkspaceStore {
  /**
   * Adds a workspace and its first key, both or neither; the key takes a place. The author's key is judged as in
   * {@link KeyStore.insert}: `authorEnded`, and nothing was written.
   * @throws Duplicate when the workspace's id is taken; of concurrent calls with one id exactly one succeeds.
   */
  create(workspace: WorkspaceRecord, firstKey: KeyRecord, author?: Author): Promise<'created' | 'authorEnded'>;
  /** Adds a workspace without a key unless one of that id is there, and answers which it was. */
  ensure(workspace: WorkspaceRecord): Promise<'created' | 'existed'>;
  find(id: string): Promise<WorkspaceRecord | null>;
  /** Oldest first; at most `first`. */
  list(first: number): Promise<readonly WorkspaceRecord[]>;
  /**
   * The author's key is judged as in {@link KeyStore.expire}.
   * @returns the record after the change; null where there is no such workspace; `authorEnded`, with nothing written
   */
  setTier(id: string, tier: Tier, now: number, author?: Author): Promise<WorkspaceRecord | 'authorEnded' | null>;
}

/** Projects beside the workspace's own, which is there without a record. */
export interface ProjectStore {
  /** @throws Duplicate `project.id`, and `project.name` where the workspace has one of that name. */
  create(project: ProjectRecord, author?: Author): Promise<void>;
  find(id: string): Promise<ProjectRecord | null>;
  /** Several projects by their ids, in one read and in no order; unknown ids are passed over. */
  findMany(ids: readonly string[]): Promise<readonly ProjectRecord[]>;
  /** By `createdAt` and then `id`, ascending; those after `after`. */
  list(
    workspaceId: string,
    options: { readonly first: number; readonly after: { readonly createdAt: number; readonly id: string } | null },
  ): Promise<readonly ProjectRecord[]>;
  /** @returns the record after it; null where the workspace has no such project. @throws Duplicate `project.name` */
  rename(id: string, workspaceId: string, name: string, now: number, author?: Author): Promise<ProjectRecord | null>;
}

export interface UserStore {
  /** @throws Duplicate `user.id` */
  add(user: UserRecord, author?: Author): Promise<void>;
  find(id: string): Promise<UserRecord | null>;
  /** The same of several ids, in one read and in no order; unknown ids are passed over. */
  findMany(ids: readonly string[]): Promise<readonly UserRecord[]>;
  /** Those who have not left, by `createdAt` and then `id`, ascending; those after `after`. */
  list(
    workspaceId: string,
    options: { readonly first: number; readonly after: { readonly createdAt: number; readonly id: string } | null },
  ): Promise<readonly UserRecord[]>;
  /**
   * Changes a user who has not left; what is absent stays.
   * @param author judged as in {@link KeyStore.expire}
   * @param judged here and below: the user as the caller read it to decide whether the change is allowed
   * @returns the record after it; null where there is none; with nothing written `moved`, where the roles are others than
   * those of `judged`, and `authorEnded`
   */
  update(
    id: string,
    workspaceId: string,
    change: Partial<Pick<UserRecord, 'name' | 'roles'>>,
    now: number,
    author?: Author,
    judged?: JudgedUser,
  ): Promise<UserRecord | 'moved' | 'authorEnded' | null>;
  /** Removes a user for good. A second time changes nothing. @returns as {@link update} */
  remove(
    id: string,
    workspaceId: string,
    now: number,
    author?: Author,
    judged?: JudgedUser,
  ): Promise<UserRecord | 'moved' | 'authorEnded' | null>;
}

export interface AuditFilter {
  readonly actions?: readonly AuditAction[];
  /** What was changed, or who changed it. */
  readonly subject?: string;
  readonly actor?: string;
  readonly projectId?: string;
  /** From this moment on, ms since the epoch. */
  readonly from?: number;
  /** Before this moment. */
  readonly to?: number;
}

/** The part of a log that was archived. */
export interface ArchiveStore {
  /** The last entry that was archived, after which the log in the store begins; null where none was. */
  base(workspaceId: string): Promise<AuditHead | null>;
  /**
   * Ends the part of the log that the store keeps at `until`: from one atomic step on, with the entry that tells of it, the log
   * begins after it. The entries themselves are deleted in bounded batches after that step. A call with the same `until` after
   * one that was interrupted completes it, and adds no second entry.
   *
   * @param after the place after which the log begins by the caller's reading
   * @returns `moved`: it begins elsewhere by now; `unknown`: there is no such entry. In both cases nothing was changed.
   */
  archive(
    workspaceId: string,
    after: number,
    until: AuditHead,
    draft: AuditDraft,
  ): Promise<'archived' | 'moved' | 'unknown'>;
}

/** Entries are added by the changes that they tell of, or here where there is no change; nothing alters one. Only archived ones are removed. */
export interface AuditStore extends ArchiveStore {
  /** Adds an entry to its workspace's chain. An entry of an id that is there changes nothing. */
  append(draft: AuditDraft): Promise<void>;
  /**
   * Newest first; those before `before` in the chain. With `from` or `to` the order is by time and then by place, and
   * `before` is the place of an entry: the clocks of processes differ, so that times need not have the order of the chain.
   */
  list(
    workspaceId: string,
    options: { readonly first: number; readonly before: number | null; readonly filter: AuditFilter },
  ): Promise<readonly AuditEntry[]>;
  /** In the order of the chain, those after the place `after`; for its verification. */
  read(workspaceId: string, after: number, first: number): Promise<readonly AuditEntry[]>;
  /** What the chain's newest entry has to be; null where the workspace has none. */
  head(workspaceId: string): Promise<AuditHead | null>;
  /** The heads of all workspaces whose id comes after `after`, in code-unit order of the ids. */
  heads(after: string, first: number): Promise<readonly (AuditHead & { readonly workspaceId: string })[]>;
}

/** Which periods are read: those that begin at or after `from` and before `to`. */
export interface UsageSpan {
  /** The beginning of a period, as is `to`. */
  readonly from: number;
  readonly to: number;
  readonly by: UsagePeriod;
}

export interface UsageStore {
  /**
   * Adds what keys did, by the minute, to the counts of each one's minute, hour and day, and to its fields of the day, in
   * bulk; concurrent calls add up. What began as long before `now` as it is kept ({@link USAGE_PERIODS},
   * {@link FIELDS_KEPT}), or longer, may be deleted from then on, here or by the engine itself.
   *
   * This is the one write that must not simply be made again. It is atomic for each record, not for all of them.
   * @param additions a key and minute stands in them once
   * @throws StoreUnavailable where nothing was written; Unacknowledged where some or all of it may have been.
   */
  add(additions: readonly UsageAddition[], now: number): Promise<void>;

  /** The counts of each key and period that has any, in any order: at most one row a key and period; one read by index. */
  read(keyIds: readonly string[], span: UsageSpan): Promise<readonly UsageRecord[]>;

  /**
   * The guarded fields that a key used on the days that begin at or after `from` and before `to`, by coordinate (code-unit
   * order); one read by index.
   */
  fields(keyId: string, from: number, to: number): Promise<readonly FieldUse[]>;
}

export interface AssetStore {
  /**
   * Registers an asset, or replaces what its registration said (description, owner, allowedAge, upstream, expectedColumns)
   * and keeps its loads. `columns` and `schemaVersion` are set at the first registration alone, unless the asset had no
   * columns so far. Concurrent calls for one name leave one asset.
   */
  register(asset: AssetRecord): Promise<AssetRecord>;
  find(projectId: string, name: string): Promise<AssetRecord | null>;
  /** Those of the names that exist, in any order; one read. */
  findMany(projectId: string, names: readonly string[]): Promise<readonly AssetSummary[]>;
  /** The columns of those of the names that exist, in any order; one read. */
  columnsOf(projectId: string, names: readonly string[]): Promise<readonly AssetColumns[]>;
  /** The texts of those of the names that exist, in any order; one read. */
  textsOf(projectId: string, names: readonly string[]): Promise<readonly AssetTexts[]>;
  /** By name ascending (code-unit order), those after `after`. */
  list(
    projectId: string,
    options: { readonly first: number; readonly after: string | null },
  ): Promise<readonly AssetSummary[]>;
  /**
   * The names of the assets whose `upstream` contains a name, for each of `names`: by name ascending, at most `first` for each,
   * found by index. A name without any is listed with none, or left out.
   */
  findDownstream(projectId: string, names: readonly string[], first: number): Promise<readonly AssetLinks[]>;
  /**
   * Notes a load at `at`: `lastLoadAt` moves forward, never back (an older load changes nothing), with its rows.
   * @returns the record after it; null where there is no such asset.
   */
  recordLoad(projectId: string, name: string, at: number, rows: number | null): Promise<AssetSummary | null>;
  /**
   * Notes loads of several assets, at most one of each, as `recordLoad` does.
   * @returns the records of those that exist after it, in any order
   */
  recordLoads(projectId: string, loads: readonly LoadRecord[]): Promise<readonly AssetSummary[]>;
  /**
   * Sets the columns last seen and counts the version up, provided that the version is still `expectedVersion`.
   * @returns the record after it; null where the version had moved on or there is no such asset.
   */
  saveColumns(
    projectId: string,
    name: string,
    expectedVersion: number,
    columns: readonly Column[],
  ): Promise<AssetRecord | null>;
  /** Opens an alert unless one of that kind is open on that asset. @returns the open one. */
  openAlert(alert: AlertRecord): Promise<AlertRecord>;
  /** Closes the open alert of that kind. @returns it, or null where none was open. */
  closeAlert(projectId: string, asset: string, kind: AlertKind, at: number): Promise<AlertRecord | null>;
  /**
   * Closes and opens many alerts of one project, each as `closeAlert` and `openAlert` do, at most one of each asset and kind.
   * @returns the ids of those that this opened
   */
  changeAlerts(projectId: string, changes: AlertChanges): Promise<readonly string[]>;
  /** Open alerts of those assets, oldest first; one read. */
  openAlerts(projectId: string, assets: readonly string[]): Promise<readonly AlertRecord[]>;
}

/** An event of which the store was told. */
export interface KeptEvent {
  /** As it is kept: of an id that was there before, the one that was. */
  readonly event: EventRecord;
  /** Was it added by this call? Of concurrent calls with one id exactly one says so. */
  readonly added: boolean;
}

export interface EventFilter {
  readonly asset?: string;
  readonly type?: string;
}

export interface EventStore {
  /**
   * Adds the events whose ids their project does not have, in one bulk write; the others stay as they are. What happened
   * {@link EVENT_RETENTION} or longer before `now` may be deleted from then on, here or by the engine itself.
   *
   * It is atomic for each event, not for all of them, and may be made again.
   * @param events of one project, no id twice @returns what is kept of each, in the order given
   */
  record(events: readonly EventRecord[], now: number): Promise<readonly KeptEvent[]>;

  /**
   * Newest first, by `at` and then `id` (code-unit order), both descending: those that happened after `since`, and come
   * after `after`. One read by index, whatever the filter.
   */
  list(
    projectId: string,
    options: {
      readonly first: number;
      readonly after: { readonly at: number; readonly id: string } | null;
      readonly filter: EventFilter;
      /** Ms since the epoch. */
      readonly since: number;
    },
  ): Promise<readonly EventRecord[]>;
}
