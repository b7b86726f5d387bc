import { createHash, randomBytes } from 'node:crypto';

/**
 * The audit log: entries that are only ever added. Each has a hash of itself and of the previous entry of its
 * workspace, so that a missing or changed entry is detected. Independent of the engine: an engine writes an entry
 * atomically with the change that it describes.
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
  'credits.added',
  'limits.set',
  'limits.removed',
  'audit.archived',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

const ACTOR_KINDS = ['key', 'configured', 'oidc', 'operator', 'system'] as const;
type ActorKind = (typeof ACTOR_KINDS)[number];

/** The author of a change, and where the request came from. */
export interface Author {
  readonly kind: ActorKind;
  /** ID of the credential: a key's ID, or `operator`; null for the installation itself. */
  readonly id: string | null;
  /** The caller's address, as determined by the proxy settings; null if there was no request, or it is unknown. */
  readonly address: string | null;
  /** As sent by the caller, at most {@link MAX_USER_AGENT} characters. */
  readonly userAgent: string | null;
  /** The state of the author's key when the change was allowed; absent if only its revocation is checked. Not logged. */
  readonly judged?: JudgedAuthor;
}

/** The fields of a key and its user that determine its permissions. */
export interface JudgedAuthor {
  /** When it was read. */
  readonly at: number;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
  /** The user's roles; null if the key has no user. */
  readonly roles: readonly string[] | null;
}

/** The time and author of a change. */
export interface Occasion {
  /** ms since the epoch. */
  readonly at: number;
  /** Default: the installation itself. */
  readonly author?: Author | undefined;
}

/** The installation itself, for example at the first start. */
export const SYSTEM: Author = Object.freeze({ kind: 'system', id: null, address: null, userAgent: null });

const MAX_USER_AGENT = 200;

/** A JSON value in the details of an entry. */
export type Detail = string | number | boolean | null | readonly Detail[] | { readonly [name: string]: Detail };
export type Details = Readonly<Record<string, Detail>>;

/** An entry before it is added to the chain. */
export interface AuditDraft {
  /** Public ID, `aud_…`. An entry that is written twice is stored once. */
  readonly id: string;
  readonly workspaceId: string;
  /** The project of the changed object; null if none. */
  readonly projectId: string | null;
  /** When the change was made, in ms since the epoch. */
  readonly at: number;
  readonly action: AuditAction;
  /** ID of the changed object: a key, a user, a project, the workspace. */
  readonly subject: string;
  readonly actorKind: ActorKind;
  readonly actor: string | null;
  readonly address: string | null;
  readonly userAgent: string | null;
  /** The changed fields before the change; null if the object is new. Never contains a secret. */
  readonly before: Details | null;
  /** The changed fields after the change. */
  readonly after: Details | null;
}

export interface AuditEntry extends AuditDraft {
  /** The position in the workspace's chain: 1, 2, 3 without a gap. */
  readonly seq: number;
  /** Hash of the previous entry; {@link GENESIS} for the first. */
  readonly previousHash: string;
  /** SHA-256 of the entry including `previousHash`, in hex. See {@link hashOf}. */
  readonly hash: string;
}

/** The previous hash of a chain's first entry. */
export const GENESIS = '0'.repeat(64);

/** The last entry of a chain. Stored separately, so that the loss of the newest entries is detected. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

type NewEntry = Pick<AuditDraft, 'workspaceId' | 'projectId' | 'at' | 'action' | 'subject' | 'before' | 'after'>;

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

/** Returns the entry that follows `last`; null if it is the first. */
export function chained(draft: AuditDraft, last: AuditHead | null): AuditEntry {
  const placed = { ...draft, seq: (last?.seq ?? 0) + 1, previousHash: last?.hash ?? GENESIS };
  return { ...placed, hash: hashOf(placed) };
}

/**
 * Returns the SHA-256 hash of a JSON array with the entry's fields in a fixed order. Names in details are sorted, so
 * that programs in other languages can compute it.
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

/** Returns the values of the `fields` that differ between two records. */
export function difference<T extends object>(
  before: T,
  after: T,
  fields: readonly (keyof T & string)[],
): { readonly before: Details; readonly after: Details } {
  const changed = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  return { before: details(before, changed), after: details(after, changed) };
}

/** Returns fields of a record as details. */
export function details<T extends object>(record: T, fields: readonly (keyof T & string)[]): Details {
  return Object.fromEntries(fields.map((field) => [field, record[field] as Detail]));
}
