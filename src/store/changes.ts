import type { Author, JudgedAuthor } from './audit.js';
import { isAlive, type KeyRecord, type UserRecord } from './records.js';

/**
 * The rules by which a key may be changed, free of any engine: an engine reads the key, asks the rule, and writes the
 * patch on the condition that {@link JUDGED_FIELDS} are still what the rule saw. So both engines judge alike.
 */

/** What a change writes. */
export type KeyPatch = Partial<
  Pick<
    KeyRecord,
    | 'name'
    | 'scopes'
    | 'allowedAddresses'
    | 'trustedDocuments'
    | 'expiresAt'
    | 'lifetime'
    | 'revokedAt'
    | 'revokedReason'
    | 'replacedBy'
  >
>;

/** What may be changed of a living key; what is absent stays. */
export type KeyAmendment = Pick<KeyPatch, 'name' | 'scopes' | 'allowedAddresses' | 'trustedDocuments'>;

/** `changed` with an empty patch: the key is already as the caller wants it. */
export type Verdict =
  { readonly outcome: 'changed'; readonly patch: KeyPatch } | { readonly outcome: 'ended' | 'replaced' | 'moved' };

export type Rule = (key: KeyRecord) => Verdict;

/** The only fields that any rule's verdict depends on. */
export const JUDGED_FIELDS = ['revokedAt', 'expiresAt', 'replacedBy'] as const satisfies readonly (keyof KeyRecord)[];

/** The fields by which a caller's right to change a key, or to hand it on, is decided. A successor inherits them. */
export const GRANT_FIELDS = [
  'name',
  'scopes',
  'allowedAddresses',
  'trustedDocuments',
  'expiresAt',
  'lifetime',
] as const satisfies readonly (keyof KeyRecord)[];

/** What a caller was shown of a key when they were allowed to change it. */
export type JudgedKey = Pick<KeyRecord, (typeof GRANT_FIELDS)[number]>;

/**
 * Makes a rule answer `moved` where the key is no longer what the caller was judged by. Without this, a change that was
 * allowed for a weak key could be written to one that somebody made stronger in between.
 */
export function asJudged(judged: JudgedKey | undefined, rule: Rule): Rule {
  return (key) => {
    const verdict = rule(key);
    const moved = judged !== undefined && GRANT_FIELDS.some((field) => !isSame(judged[field], key[field]));
    return verdict.outcome === 'changed' && moved ? { outcome: 'moved' } : verdict;
  };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * A key that was replaced and has since expired answers `replaced`, not `ended`: with an overlap of zero both become true
 * in one write, and whoever lost the race has to learn that a rotation won it.
 */
export function rotation(successorId: string, overlapEnd: number, now: number): Rule {
  return (key) => {
    if (key.revokedAt !== null) return { outcome: 'ended' };
    if (key.replacedBy !== null) return { outcome: 'replaced' };
    if (!isAlive(key, now)) return { outcome: 'ended' };
    const expiresAt = key.expiresAt === null ? overlapEnd : Math.min(key.expiresAt, overlapEnd);
    return { outcome: 'changed', patch: { replacedBy: successorId, expiresAt } };
  };
}

export function expiry(at: number, now: number): Rule {
  return (key) => {
    if (!isAlive(key, now)) return { outcome: 'ended' };
    // A later end would stretch the overlap that the rotation promised.
    if (key.replacedBy !== null && key.expiresAt !== null && at > key.expiresAt) return { outcome: 'replaced' };
    return { outcome: 'changed', patch: { expiresAt: at, lifetime: null } };
  };
}

export function revocation(reason: string | null, now: number): Rule {
  return (key) => ({
    outcome: 'changed',
    patch: key.revokedAt === null ? { revokedAt: now, revokedReason: reason } : {},
  });
}

export function amendment(change: KeyAmendment, now: number): Rule {
  return (key) => (isAlive(key, now) ? { outcome: 'changed', patch: change } : { outcome: 'ended' });
}

/** The successor as it is stored: what makes it the old key's heir comes from the old key, whatever the caller wrote. */
export function heirOf(old: KeyRecord, successor: KeyRecord): KeyRecord {
  const { workspaceId, projectId, userId, familyId, allowedAddresses, trustedDocuments } = old;
  return {
    ...successor,
    ...{ workspaceId, projectId, userId, familyId, allowedAddresses, trustedDocuments },
    replaces: old.id,
  };
}

/**
 * What a change of a user writes, nothing of it where the user is so already; null: there is nobody to be changed; `moved`:
 * the user no longer has the roles that the caller was judged by.
 */
export type UserRule = (user: UserRecord) => Partial<UserRecord> | 'moved' | null;

/** What decides whether a caller may change a user. */
export type JudgedUser = Pick<UserRecord, 'roles'>;

/** Who has left is nobody's to change. */
export function userAmendment(change: Partial<Pick<UserRecord, 'name' | 'roles'>>, judged?: JudgedUser): UserRule {
  return (user) => (user.removedAt === null ? ifJudged(user, judged, change) : null);
}

/** The first removal's time stays. */
export function userRemoval(now: number, judged?: JudgedUser): UserRule {
  return (user) => (user.removedAt === null ? ifJudged(user, judged, { removedAt: now }) : {});
}

function ifJudged<T>({ roles }: UserRecord, judged: JudgedUser | undefined, change: T): T | 'moved' {
  return judged === undefined || isSame(judged.roles, roles) ? change : 'moved';
}

/** Why a key is not handed out, beside its own state: its user has left, or the key that makes it ended or may do less. */
export type Forfeit = 'userLeft' | 'authorEnded';

/**
 * Returns whether a key is no longer to make others: it was revoked, its user has left, or since it was judged it ended or
 * lost something. Otherwise what it may no longer do would live on in what it made meanwhile. To gain something is no loss.
 * @param heir the key that is made: where it replaces the author itself, the author's new end is its own doing
 */
export function isRetired(
  key: Pick<KeyRecord, 'revokedAt' | 'expiresAt' | 'scopes' | 'replacedBy'>,
  user: UserRecord | null,
  judged?: JudgedAuthor,
  heir?: string,
): boolean {
  if (key.revokedAt !== null || (user !== null && user.removedAt !== null)) return true;
  if (judged === undefined) return false;
  const replacedByHeir = heir !== undefined && key.replacedBy === heir;
  if (!replacedByHeir && (!isAlive(key, judged.at) || endsSooner(key.expiresAt, judged.expiresAt))) return true;
  return lacks(key.scopes, judged.scopes) || (judged.roles !== null && lacks(user?.roles ?? [], judged.roles));
}

function endsSooner(end: number | null, before: number | null): boolean {
  return end !== null && (before === null || end < before);
}

function lacks(items: readonly string[], wanted: readonly string[]): boolean {
  return wanted.some((each) => !items.includes(each));
}

/** Returns whether a key can belong to the user. @param user null: there is none of that id */
export function isOwner(user: UserRecord | null, { workspaceId }: Pick<KeyRecord, 'workspaceId'>): boolean {
  return user?.workspaceId === workspaceId && user.removedAt === null;
}

/** Returns the id of the key that an author used; null where it was no stored key. */
export function keyOf(author: Pick<Author, 'kind' | 'id'> | undefined): string | null {
  return author?.kind === 'key' ? author.id : null;
}
