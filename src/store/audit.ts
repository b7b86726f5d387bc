import { createHash, randomBytes } from 'node:crypto';

/**
 * Who did what: entries that are only ever added, each with a hash over itself and the one before it in its workspace, so
 * that one which is missing or was altered shows. Free of any engine: an engine writes an entry in the same atomic step as
 * the change that it tells of.
 */

export const AUDIT_ACTIONS = [
  'key.created',
  'key.imported',
  'key.rotated',
  'key.expired',
  'key.revoked',
  'key.updated',
  'key.refused',
  'key.sent_in_clear',
  'credential.refused',
  'workspace.created',
  'workspace.tier_changed',
  'project.created',
  'project.renamed',
  'user.added',
  'user.updated',
  'user.removed',
  'audit.archived',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export const ACTOR_KINDS = ['key', 'configured', 'oidc', 'operator', 'system'] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

/** Who makes a change, and from where. */
export interface Author {
  readonly kind: ActorKind;
  /** Id of the credential: a key's, `operator`; null for the installation itself. */
  readonly id: string | null;
  /** Of the request, under the rules for proxies; null: there was none, or it is unknown. */
  readonly address: string | null;
  /** As the caller said it, at most {@link MAX_USER_AGENT} characters. */
  readonly userAgent: string | null;
  /** What the author's key was when the change was allowed; absent: it is judged by its revocation alone. Not logged. */
  readonly judged?: JudgedAuthor;
}

/** The part of a key, and of its user, on which rests what it may do. */
export interface JudgedAuthor {
  /** When it was read. */
  readonly at: number;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
  /** Of its user; null: it belongs to nobody. */
  readonly roles: readonly string[] | null;
}

/** The installation itself: the first start, and what it counts. */
export const SYSTEM: Author = Object.freeze({ kind: 'system', id: null, address: null, userAgent: null });

export const MAX_USER_AGENT = 200;

/** A value of an entry's details, as JSON has them. */
export type Detail = string | number | boolean | null | readonly Detail[] | { readonly [name: string]: Detail };
export type Details = Readonly<Record<string, Detail>>;

/** An entry before it has its place in the chain. */
export interface AuditDraft {
  /** Public id, `aud_…`: an entry that is written twice is one. */
  readonly id: string;
  readonly workspaceId: string;
  /** The project of what was changed; null: of none. */
  readonly projectId: string | null;
  /** When it was done, ms since the epoch. */
  readonly at: number;
  readonly action: AuditAction;
  /** Id of what was changed: a key, a user, a project, the workspace. */
  readonly subject: string;
  readonly actorKind: ActorKind;
  readonly actor: string | null;
  readonly address: string | null;
  readonly userAgent: string | null;
  /** What was changed, as it was; null where it was not there before. No secret is ever among it. */
  readonly before: Details | null;
  /** What was changed, as it is. */
  readonly after: Details | null;
}

export interface AuditEntry extends AuditDraft {
  /** Its place in the workspace's chain: 1, 2, 3 without a gap. */
  readonly seq: number;
  /** Hash of the entry before; {@link GENESIS} for the first. */
  readonly previousHash: string;
  /** SHA-256 of the entry with `previousHash`, in hex. See {@link hashOf}. */
  readonly hash: string;
}

/** What stands before the first entry of a chain. */
export const GENESIS = '0'.repeat(64);

/** The last entry of a chain, kept apart from it: without it the loss of the newest entries would not show. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

export type NewEntry = Pick<AuditDraft, 'workspaceId' | 'projectId' | 'at' | 'action' | 'subject' | 'before' | 'after'>;

export function draftEntry(entry: NewEntry, author: Author): AuditDraft {
  return {
    id: `aud_${randomBytes(12).toString('hex')}`,
    ...entry,
    actorKind: author.kind,
    actor: author.id,
    address: author.address,
    userAgent: author.userAgent?.slice(0, MAX_USER_AGENT) ?? null,
  };
}

/** The entry in its place after `last`; null: it is the first. */
export function chained(draft: AuditDraft, last: AuditHead | null): AuditEntry {
  const placed = { ...draft, seq: (last?.seq ?? 0) + 1, previousHash: last?.hash ?? GENESIS };
  return { ...placed, hash: hashOf(placed) };
}

/**
 * SHA-256 over the entry as a JSON array of its fields in a fixed order, details with their names sorted: what a program in
 * any language can work out again.
 */
export function hashOf(entry: Omit<AuditEntry, 'hash'>): string {
  const fields = HASHED_FIELDS.map((field) => sorted(entry[field]));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

const HASHED_FIELDS = [
  'previousHash',
  'workspaceId',
  'seq',
  'id',
  'at',
  'action',
  'subject',
  'projectId',
  'actorKind',
  'actor',
  'address',
  'userAgent',
  'before',
  'after',
] as const satisfies readonly (keyof AuditEntry)[];

function sorted(value: Detail): Detail {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name] ?? null)]),
  );
}

function isList(value: readonly Detail[] | Details): value is readonly Detail[] {
  return Array.isArray(value);
}

/** Those of `fields` in which two records differ, on either side. */
export function difference<T extends object>(
  before: T,
  after: T,
  fields: readonly (keyof T & string)[],
): { readonly before: Details; readonly after: Details } {
  const changed = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  return { before: details(before, changed), after: details(after, changed) };
}

/** Fields of a record as details. */
export function details<T extends object>(record: T, fields: readonly (keyof T & string)[]): Details {
  return Object.fromEntries(fields.map((field) => [field, record[field] as Detail]));
}
