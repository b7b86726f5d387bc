import type { Author, JudgedAuthor } from './audit.js';
import { pick } from './fields.js';
import { GRANT_FIELDS, ALWAYS_INHERITED, type PatchedField, type UpdatedField } from './keyFields.js';
import { isAlive, type KeyRecord, type UserRecord } from './records.js';

/**
 * The rules for changing a key, independent of the engine: an engine reads the key, applies the rule, and writes the
 * patch on the condition that {@link JUDGED_FIELDS} have not changed since. So both engines decide alike.
 */

/** The fields that a change writes. */
export type KeyPatch = Partial<Pick<KeyRecord, PatchedField>>;

/** The fields of an active key that can be updated. Absent fields stay the same. */
export type KeyAmendment = Partial<Pick<KeyRecord, UpdatedField>>;

/** `changed` with an empty patch: the key already has these values. */
type Verdict =
  { readonly outcome: 'changed'; readonly patch: KeyPatch } | { readonly outcome: 'ended' | 'replaced' | 'moved' };

export type Rule = (key: KeyRecord) => Verdict;

/** The only fields that affect the verdict of a rule. */
export const JUDGED_FIELDS = ['revokedAt', 'expiresAt', 'replacedBy'] as const satisfies readonly (keyof KeyRecord)[];

/** The state of a key when a caller was allowed to change it. */
export type JudgedKey = Pick<KeyRecord, (typeof GRANT_FIELDS)[number]>;

/**
 * Makes a rule return `moved` if the key has changed since the caller was authorized. Otherwise a change that was
 * allowed for a weak key could be applied to a key that became more powerful in between.
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
 * Returns the rule for a rotation. A key that was replaced and has since expired results in `replaced` instead of
 * `ended`: with an overlap of zero, both happen in one write, and the concurrent caller must learn that a rotation was
 * first.
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
    // A later end would extend the overlap that the rotation promised.
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

/** Like {@link revocation}, but a key that was already revoked is `ended`. */
export function firstRevocation(reason: string | null, now: number): Rule {
  return (key) => (key.revokedAt === null ? revocation(reason, now)(key) : { outcome: 'ended' });
}

/** Returns the author of a change that doesn't depend on the author's key, because another change has checked it. */
export function unjudged(author: Author | undefined): Author | undefined {
  if (author === undefined) return undefined;
  const { judged: _, ...rest } = author;
  return rest;
}

export function amendment(change: KeyAmendment, now: number): Rule {
  return (key) => (isAlive(key, now) ? { outcome: 'changed', patch: change } : { outcome: 'ended' });
}

/**
 * Returns the successor to store: the fields that a successor inherits are copied from the old key, whatever the caller
 * passed.
 */
export function heirOf(old: KeyRecord, successor: KeyRecord): KeyRecord {
  return { ...successor, ...pick(old, ALWAYS_INHERITED), replaces: old.id };
}

/**
 * Returns the fields to write to a user, empty if nothing changes; null if there is no user to change; `moved`: the
 * user's roles have changed since the caller was authorized.
 */
export type UserRule = (user: UserRecord) => Partial<UserRecord> | 'moved' | null;

/** The fields that determine whether a caller may change a user. */
export type JudgedUser = Pick<UserRecord, 'roles'>;

/** Returns the rule for an update. A removed user can't be changed. */
export function userAmendment(
  change: Partial<Pick<UserRecord, 'name' | 'roles' | 'externalId'>>,
  judged?: JudgedUser,
): UserRule {
  return (user) => (user.removedAt === null ? ifJudged(user, judged, change) : null);
}

/** Returns the rule for a removal. The time of the first removal is kept. */
export function userRemoval(now: number, judged?: JudgedUser): UserRule {
  return (user) => (user.removedAt === null ? ifJudged(user, judged, { removedAt: now }) : {});
}

function ifJudged<T>({ roles }: UserRecord, judged: JudgedUser | undefined, change: T): T | 'moved' {
  return judged === undefined || isSame(judged.roles, roles) ? change : 'moved';
}

/**
 * Why a key is not created or rotated, apart from its own state: its user was removed, or the key that makes the change
 * has ended or lost permissions.
 */
export type Forfeit = 'userLeft' | 'authorEnded';

/**
 * Returns whether a key may no longer create other keys: it was revoked, its user was removed, or it ended or lost
 * permissions since it was authorized. Otherwise permissions that it lost would survive in the keys that it creates
 * in the meantime. Gained permissions don't matter.
 *
 * @param heir the key that is created: if it replaces the author's own key, the author's new end is part of this change
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

/**
 * Returns whether a key can belong to the user.
 *
 * @param user null if there is no user with this ID
 */
export function isOwner(user: UserRecord | null, { workspaceId }: Pick<KeyRecord, 'workspaceId'>): boolean {
  return user?.workspaceId === workspaceId && user.removedAt === null;
}

/** Returns the ID of the key that an author used; null if it was not a stored key. */
export function keyOf(author: Pick<Author, 'kind' | 'id'> | undefined): string | null {
  return author?.kind === 'key' ? author.id : null;
}
