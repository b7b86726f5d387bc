/**
 * The records in the store. Times are integer milliseconds since the Unix epoch, because they compare exactly and are
 * cheap to copy. `null` means "never" for an end and "not yet" for an event.
 */

export const KEY_TYPES = ['SECRET', 'CLIENT', 'READ_ONLY'] as const;
/**
 * The type of a key, which limits its scopes: see docs/reference/scopes.md.
 *
 * @example
 * ```ts
 * import { NO_CONFIGURATION, type KeyType } from 'latchkey';
 *
 * const prefixes: Record<KeyType, string> = { SECRET: 'shop', CLIENT: 'shopc', READ_ONLY: 'shopr' };
 * export const configuration = { ...NO_CONFIGURATION, prefixes };
 * ```
 */
export type KeyType = (typeof KEY_TYPES)[number];

export const ENVIRONMENTS = ['LIVE', 'TEST'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/**
 * The name of a workspace's tier, which determines its limits. The table of tiers defines the names.
 *
 * @example
 * ```ts
 * import type { Tier } from 'latchkey';
 *
 * export const PRICES: Partial<Record<Tier, number>> = { STARTER: 10, GROWTH: 50 };
 * ```
 */
export type Tier = string;

const KEY_STATUSES = ['ACTIVE', 'EXPIRED', 'REVOKED'] as const;
export type KeyStatus = (typeof KEY_STATUSES)[number];

export interface WorkspaceRecord {
  readonly id: string;
  readonly name: string;
  /** In a store, the table of tiers may no longer have this name: see `StoredTiers`. */
  readonly tier: Tier;
  readonly createdAt: number;
}

/** A part of a workspace. Its keys see only its own data. */
export interface ProjectRecord {
  /** Public ID, `prj_…`. The default project of a workspace has the workspace's ID. */
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly createdAt: number;
}

/** A person or a system in a workspace that can own keys. */
export interface UserRecord {
  /** Public ID, `usr_…`. */
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  /** Names of roles. They limit the user's keys. */
  readonly roles: readonly string[];
  /** The ID of the user in the operator's system. It is then the owner of the user's keys; null if the user is the owner. */
  readonly externalId: string | null;
  readonly createdAt: number;
  /** When the user was removed. From then on the user's keys are refused. */
  readonly removedAt: number | null;
}

/** The kinds of subjects whose limits can be overridden. */
export const OVERRIDE_KINDS = ['key', 'user', 'external', 'project', 'workspace'] as const;
export type OverrideKind = (typeof OVERRIDE_KINDS)[number];

/** The subject of an override. For a key, the ID of its family, so that a rotation keeps it. */
export interface OverrideSubject {
  readonly kind: OverrideKind;
  readonly subjectId: string;
}

/** Limits of one subject that replace its tier's limits. There is at most one for each subject. */
export interface LimitOverride extends OverrideSubject {
  readonly workspaceId: string;
  /** Requests in any 60 seconds, and in any one second; null to use the tier's limit. */
  readonly rate: number | null;
  readonly burst: number | null;
  /** The quotas that replace the tier's quotas, as JSON; null to use the tier's quotas. */
  readonly quotas: string | null;
  /** The time when it ends, in ms since the epoch; null if it does not end. */
  readonly until: number | null;
  readonly reason: string | null;
  /** ID of the credential that set it. */
  readonly setBy: string | null;
  readonly setAt: number;
}

/** Returns whether an override sets no limit. Saving such an override removes it. */
export function isEmpty({ rate, burst, quotas }: Pick<LimitOverride, 'rate' | 'burst' | 'quotas'>): boolean {
  return rate === null && burst === null && quotas === null;
}

/** Returns the subjects whose overrides apply to a key. */
export function subjectsOf(
  key: Pick<KeyRecord, 'familyId' | 'workspaceId' | 'projectId' | 'userId' | 'externalId'>,
  user: Pick<UserRecord, 'externalId'> | null,
): OverrideSubject[] {
  const externalId = key.externalId ?? user?.externalId ?? null;
  return [
    { kind: 'key', subjectId: key.familyId },
    ...(externalId !== null
      ? [{ kind: 'external', subjectId: externalId } as const]
      : key.userId === null
        ? []
        : [{ kind: 'user', subjectId: key.userId } as const]),
    ...(key.projectId === null ? [] : [{ kind: 'project', subjectId: key.projectId } as const]),
    { kind: 'workspace', subjectId: key.workspaceId },
  ];
}

export interface KeyRecord {
  /** Public ID, `key_…`. Identifies the key in the API and in logs. */
  readonly id: string;
  readonly workspaceId: string;
  /** The project that the key is bound to; null if it can access the whole workspace. */
  readonly projectId: string | null;
  /** The user who owns it. Null if it belongs to the workspace, and stays valid when users are removed. */
  readonly userId: string | null;
  /** The ID of a customer in a system of the operator. The customer owns the key, and all other keys with this ID. */
  readonly externalId: string | null;
  /** Keys created by rotation belong to the same family: they share one place in the tier and one limit window. */
  readonly familyId: string;
  /**
   * The 16 characters of the token by which the store finds it; for tokens of other systems see {@link isForeign}.
   * Unique.
   */
  readonly lookupId: string;
  /** The start of the token, which contains type and environment: `lks_live`. */
  readonly tokenPrefix: string;
  /** bcrypt hash of the token's secret. */
  readonly secretHash: string;
  /** HMAC-SHA-256 of the secret with the pepper, which caches bcrypt's result; null if there is no pepper. */
  readonly digest: string | null;
  readonly name: string;
  readonly type: KeyType;
  readonly environment: Environment;
  readonly scopes: readonly string[];
  /** Addresses and CIDR ranges from which the key is accepted; empty if it is accepted from any address. */
  readonly allowedAddresses: readonly string[];
  /** SHA-256 of the documents that the key may run, in hex; null if it may run any. */
  readonly trustedDocuments: readonly string[] | null;
  readonly createdAt: number;
  /** ID of the key that created it, `operator`, or null for the first key of a self-registered workspace. */
  readonly createdBy: string | null;
  readonly expiresAt: number | null;
  /**
   * The lifetime chosen at creation, in ms. A rotation starts it again; null if the end is a date (or none), which is
   * kept.
   */
  readonly lifetime: number | null;
  readonly revokedAt: number | null;
  readonly revokedReason: string | null;
  readonly lastUsedAt: number | null;
  /** ID of the key that this one replaced. */
  readonly replaces: string | null;
  /** ID of the key that replaced this one. There is at most one. */
  readonly replacedBy: string | null;
}

/** The trusted documents of one key, which may be tens of kilobytes. */
export type KeyDocuments = Pick<KeyRecord, 'id' | 'trustedDocuments'>;

/** A key without its trusted documents: about a kilobyte. */
export type KeySummary = Omit<KeyRecord, 'trustedDocuments'>;

/** Prefix of the lookup IDs of imported keys. Lookup IDs of our own tokens contain no colon. */
export const FOREIGN = 'foreign:';

/**
 * Returns whether the key's token was issued by another system. Then the key was imported, and only `tokenPrefix` of
 * the token may be shown.
 */
export function isForeign({ lookupId }: Pick<KeyRecord, 'lookupId'>): boolean {
  return lookupId.startsWith(FOREIGN);
}

/** Returns whether a key is active: not revoked and not expired at `now`. A key expires exactly at its end. */
export function isAlive(key: Pick<KeyRecord, 'revokedAt' | 'expiresAt'>, now: number): boolean {
  return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now);
}

export function statusOf(key: Pick<KeyRecord, 'revokedAt' | 'expiresAt'>, now: number): KeyStatus {
  if (key.revokedAt !== null) return 'REVOKED';
  return isAlive(key, now) ? 'ACTIVE' : 'EXPIRED';
}

/**
 * The public half of a key pair with which one process signs tokens. The private half never leaves the memory of that
 * process.
 */
export interface SigningKeyRecord {
  /** The key ID (`kid`): the SHA-256 thumbprint of the public key (RFC 7638). */
  readonly id: string;
  /** The Ed25519 public key, in base64url. */
  readonly publicKey: string;
  readonly createdAt: number;
  /** After this time, no token that was signed with the key is valid. */
  readonly endsAt: number;
}

/** A scope that a guarded schema requires, or that covers one. */
export interface PublishedScope {
  readonly scope: string;
  /** The coordinates of guarded fields that it gives access to by itself. Can be cut off after the first ones. */
  readonly opens: readonly string[];
}

/** The scopes of a schema that a process guards, for the other processes on the store. */
export interface GuardedSchemaRecord {
  /** A digest of {@link scopes}, so that processes with the same schema share a record. */
  readonly id: string;
  readonly scopes: readonly PublishedScope[];
  /** The host name of the process that published it last. */
  readonly host: string;
  readonly publishedAt: number;
  /** After this time, the scopes are no longer known, unless a process publishes them again. */
  readonly endsAt: number;
}

/** The requests of a key in one period. */
export interface UsageRecord {
  readonly keyId: string;
  /** The start of the period: a multiple of its length since the epoch, so that days are UTC days. */
  readonly start: number;
  /** The number of requests that the limits allowed. In counts from releases that did not store costs, this number includes the cost. */
  readonly requests: number;
  /** The cost of the admitted requests, as counted by the limits. */
  readonly cost: number;
  /** Requests that the limits refused. */
  readonly limited: number;
  /** Requests that the guard refused. */
  readonly forbidden: number;
}

/** Counts of requests; see {@link UsageRecord}. */
export interface UsageCounts extends Pick<UsageRecord, 'requests' | 'cost' | 'limited' | 'forbidden'> {
  /** The cost of the admitted operations by the `@cost` directives of their schema; 0 if it has none. */
  readonly queryCost: number;
}

/** The requests of a key in one minute. */
export interface UsageAddition extends UsageRecord {
  /** How many admitted requests selected each guarded field, by coordinate, such as `Query.assets`. */
  readonly fields?: ReadonlyMap<string, number>;
  /** The other values that these requests are counted by. Absent if none. */
  readonly report?: ReportedUsage;
}

/** The values that the requests of a key are counted by in the usage report of its workspace. */
export interface ReportedUsage {
  readonly workspaceId: string;
  readonly projectId: string | null;
  /** The external ID of the key or of its user, else the user; null if the key has no owner. */
  readonly ownerId: string | null;
  readonly queryCost: number;
  /** By the name of the operation. */
  readonly operations: ReadonlyMap<string, UsageCounts>;
  /** By the coordinate of the root field. A request with two root fields counts for both, with its whole cost. */
  readonly roots: ReadonlyMap<string, UsageCounts>;
}

/** Usage that is added together, or not at all. */
export interface UsageBatch {
  /** Random. A batch with this ID is added once, however often it is sent within a day. */
  readonly id: string;
  /** Each key and minute at most once. */
  readonly additions: readonly UsageAddition[];
}

/** How often a key used a guarded field. */
export interface FieldUse {
  readonly coordinate: string;
  /** Number of requests. A field selected twice in one request counts once. */
  readonly count: number;
  /** The first and the last day with a request: the start of the day in UTC, in ms since the epoch. */
  readonly first: number;
  readonly last: number;
}
