/**
 * What the store keeps. Times are integer milliseconds since the Unix epoch: they compare exactly and cost nothing to
 * copy. `null` means "never" for an end and "not yet" for an event.
 */

export const KEY_TYPES = ['SECRET', 'CLIENT', 'READ_ONLY'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

export const ENVIRONMENTS = ['LIVE', 'TEST'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

export const TIERS = ['FREE_TRIAL', 'STARTER', 'GROWTH', 'PROFESSIONAL', 'ENTERPRISE'] as const;
export type Tier = (typeof TIERS)[number];

export const KEY_STATUSES = ['ACTIVE', 'EXPIRED', 'REVOKED'] as const;
export type KeyStatus = (typeof KEY_STATUSES)[number];

export interface WorkspaceRecord {
  readonly id: string;
  readonly name: string;
  readonly tier: Tier;
  readonly createdAt: number;
}

/** A part of a workspace whose assets and events its keys see, and no others. */
export interface ProjectRecord {
  /** Public id, `prj_…`; that of the workspace's own project is the workspace's. */
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly createdAt: number;
}

/** A person, or a system, of a workspace, to whom keys may belong. */
export interface UserRecord {
  /** Public id, `usr_…`. */
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  /** Names of roles: what the user's keys may do at most. */
  readonly roles: readonly string[];
  readonly createdAt: number;
  /** When the user left: from then on their keys are refused. */
  readonly removedAt: number | null;
}

export interface KeyRecord {
  /** Public id, `key_…`; names the key in the API and in logs. */
  readonly id: string;
  readonly workspaceId: string;
  /** The project that the key is bound to; null: it reaches all of the workspace. */
  readonly projectId: string | null;
  /** The user to whom it belongs; null: it is the workspace's own, and outlives people. */
  readonly userId: string | null;
  /** What rotation makes belongs to the same family: one place in the tier, one limit window. */
  readonly familyId: string;
  /** The 16 characters of the token by which the store finds it; of another system's token see {@link isForeign}. Unique. */
  readonly lookupId: string;
  /** What the token starts with, type and environment: `sk_live`. */
  readonly tokenPrefix: string;
  /** bcrypt hash of the token's secret. */
  readonly secretHash: string;
  /** HMAC-SHA-256 of the secret under the pepper, bcrypt's verdict remembered; null where no pepper is set. */
  readonly digest: string | null;
  readonly name: string;
  readonly type: KeyType;
  readonly environment: Environment;
  readonly scopes: readonly string[];
  /** Addresses and CIDR ranges from which alone it is let in; empty: from everywhere. */
  readonly allowedAddresses: readonly string[];
  /** SHA-256 of the documents that it may run and no others, in hex; null: any. */
  readonly trustedDocuments: readonly string[] | null;
  readonly createdAt: number;
  /** Id of the key that made it, `operator`, or null for the first key of a workspace that made itself. */
  readonly createdBy: string | null;
  readonly expiresAt: number | null;
  /** The life chosen at creation, in ms. A rotation gives it anew; null: the end is a date (or none), which is kept. */
  readonly lifetime: number | null;
  readonly revokedAt: number | null;
  readonly revokedReason: string | null;
  readonly lastUsedAt: number | null;
  /** Id of the key that this one replaced. */
  readonly replaces: string | null;
  /** Id of the key that replaced this one. At most one ever does. */
  readonly replacedBy: string | null;
}

/** What the lookup ids of imported keys begin with: no lookup id of our own tokens holds a colon. */
export const FOREIGN = 'foreign:';

/** Is the key's token one that another system made? Then the key was imported, and `tokenPrefix` is what may be shown of it. */
export function isForeign({ lookupId }: Pick<KeyRecord, 'lookupId'>): boolean {
  return lookupId.startsWith(FOREIGN);
}

/** Alive: neither revoked nor past its end at `now`. An end equal to `now` has come. */
export function isAlive(key: Pick<KeyRecord, 'revokedAt' | 'expiresAt'>, now: number): boolean {
  return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now);
}

export function statusOf(key: Pick<KeyRecord, 'revokedAt' | 'expiresAt'>, now: number): KeyStatus {
  if (key.revokedAt !== null) return 'REVOKED';
  return isAlive(key, now) ? 'ACTIVE' : 'EXPIRED';
}

/** What a key asked for in one period that begins at `start`. */
export interface UsageRecord {
  readonly keyId: string;
  /** When the period begins; a multiple of its length since the epoch, so that days are those of UTC. */
  readonly start: number;
  /** Requests that the limits admitted. Those of a release before costs were kept stand here by cost. */
  readonly requests: number;
  /** What these cost, as the limits count it. */
  readonly cost: number;
  /** Requests that the limits refused. */
  readonly limited: number;
  /** Requests that the guard refused. */
  readonly forbidden: number;
}

/** What a key did in one minute. */
export interface UsageAddition extends UsageRecord {
  /** How often what it was let through with selected each guarded field, by coordinate, as in `Query.assets`. */
  readonly fields?: ReadonlyMap<string, number>;
}

/** How often a key was let through with a guarded field. */
export interface FieldUse {
  readonly coordinate: string;
  /** In requests: a field that one of them selects twice is selected. */
  readonly count: number;
  /** The first and the last day on which it was, by their beginnings in UTC, in ms since the epoch. */
  readonly first: number;
  readonly last: number;
}

export interface Column {
  readonly name: string;
  readonly type: string;
}

export interface AssetRecord {
  /** The project that it belongs to; the workspace's own bears the workspace's id. */
  readonly projectId: string;
  /** Unique in its project. */
  readonly name: string;
  readonly description: string | null;
  readonly owner: string | null;
  /** Longest time between loads before the asset is stale, in ms; null: it never is. */
  readonly allowedAge: number | null;
  /** Names of the assets that it is made from. They need not be registered. */
  readonly upstream: readonly string[];
  /** The columns that its registration promised. */
  readonly expectedColumns: readonly Column[];
  /** The columns last seen. */
  readonly columns: readonly Column[];
  /** 1 at registration, one more with each change of the columns seen. */
  readonly schemaVersion: number;
  readonly lastLoadAt: number | null;
  readonly lastLoadRows: number | null;
  readonly createdAt: number;
}

/** The columns of one asset, which may be hundreds of kilobytes. */
export type AssetColumns = Pick<AssetRecord, 'name' | 'expectedColumns' | 'columns'>;

/** The texts of one asset, which may be tens of kilobytes. */
export type AssetTexts = Pick<AssetRecord, 'name' | 'description' | 'upstream'>;

/** An asset without its texts and columns: a few hundred bytes. */
export type AssetSummary = Omit<AssetRecord, 'description' | 'upstream' | 'expectedColumns' | 'columns'>;

/** Alerts to open and to close at once. */
export interface AlertChanges {
  readonly open: readonly AlertRecord[];
  readonly close: readonly { readonly asset: string; readonly kind: AlertKind; readonly at: number }[];
}

/** A load of an asset. */
export interface LoadRecord {
  /** Of the asset. */
  readonly name: string;
  readonly at: number;
  readonly rows: number | null;
}

/** The names of the assets that are made from the asset `name`, ascending. */
export interface AssetLinks {
  readonly name: string;
  readonly downstream: readonly string[];
}

export const ALERT_KINDS = ['STALE', 'SCHEMA_CHANGED'] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export interface AlertRecord {
  readonly id: string;
  readonly projectId: string;
  readonly asset: string;
  readonly kind: AlertKind;
  readonly message: string;
  readonly openedAt: number;
  readonly closedAt: number | null;
}

/** How long events are kept, in ms from when they happened. */
export const EVENT_RETENTION = 90 * 24 * 60 * 60_000;

export interface EventRecord {
  /** The project that it belongs to; the workspace's own bears the workspace's id. */
  readonly projectId: string;
  /** Given by the client; unique in its project. */
  readonly id: string;
  /** `LOAD`, or a name of the client's own. */
  readonly type: string;
  /** Name of the asset that it is about; null: of none. It need not be registered. */
  readonly asset: string | null;
  /** When it happened. */
  readonly at: number;
  readonly rows: number | null;
  /** JSON text of an object, with the values that the client wrote; null: none. */
  readonly properties: string | null;
}
