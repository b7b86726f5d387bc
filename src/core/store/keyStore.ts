import type { Author, Occasion } from './audit.js';
import type { Forfeit, JudgedKey, KeyAmendment } from './changes.js';
import type { KeyOrder, KeyPosition } from './ordering.js';
import type {
  Environment,
  KeyDocuments,
  KeyRecord,
  KeyStatus,
  KeySummary,
  KeyType,
  LimitOverride,
  Tier,
  UserRecord,
} from './records.js';

/** A key with the other records that determine its permissions. */
export interface KeyWithTier {
  readonly key: KeyRecord;
  readonly tier: Tier;
  /** The user who owns it; null for a key of the workspace. */
  readonly user: UserRecord | null;
  /** The overrides of its limits and of those of its owner, project and workspace, also ended ones. Absent if there is none. */
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

/** How many active families a tier allows in a workspace; null for any number. */
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

/** The result of {@link KeyStore.removeEnded}. */
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
  /** The first characters of a lookup ID, at least two; null if unknown. */
  readonly beginning: string | null;
  /** The complete `tokenPrefix` of an imported key; null if unknown. */
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

/** The operations on keys. */
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
   * by a key whose revocation has returned or, with `author.judged`, whose end or loss of permissions has. No key takes a place that a
   * lower tier removed.
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
   * keys of the workspace change at the same moment, MongoDB may also refuse keys for which there are places. Keys that
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
   * Returns the first lookup ID that is greater than or equal to `from`, by code units, whatever its key's state; null if
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

  /** Counts the active families in the workspace at `now`: all of them, or only one kind. */
  countFamilies(workspaceId: string, now: number, kind?: PlaceKind): Promise<number>;

  /**
   * Finds keys by known parts of their tokens, in any state, by ID; at most `first`. Uses the unique index of lookup
   * IDs and the index of prefixes.
   *
   * @param reach null for no restriction
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
   * that doesn't depend on the number of keys. Unknown keys and keys that were already revoked are omitted. A key that another
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
   * Removes keys permanently that were revoked at or before `before`, or expired then and were not revoked; at most `limit` keys of any
   * workspaces, found by index. From then on every operation treats a removed key as unknown, except that its ID and lookup ID stay
   * taken, and that it can't be the author of a change. A family keeps its place as long as one of its keys is active. Other keys that name
   * a removed key in `replaces`, `replacedBy` or `createdBy` still do. Usage and audit entries stay. Adds no audit entry.
   *
   * Several processes may call it at the same time: each key is removed once.
   */
  removeEnded(before: number, limit: number): Promise<Removal>;
}
