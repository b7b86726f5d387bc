import { Schema, type SchemaDefinition } from 'mongoose';
import type { AuditDraft, AuditEntry, AuditHead } from '../audit.js';
import { KEY, KEY_FIELDS } from '../keyFields.js';
import { FIELDS_KEPT, USAGE_PERIODS } from '../periods.js';
import {
  FOREIGN,
  type KeyRecord,
  type LimitOverride,
  type ProjectRecord,
  type Tier,
  type UsageRecord,
  type UserRecord,
  type WorkspaceRecord,
} from '../records.js';

/** An entry of the audit log, with its details as text. */
export interface EntryDocument extends Omit<AuditDraft, 'id' | 'before' | 'after'> {
  readonly _id: string;
  readonly before: string | null;
  readonly after: string | null;
  /** The author's `judged`, as JSON, until the change is confirmed. Never in the log. */
  readonly judged?: string;
}

export interface AuditDocument extends EntryDocument, Pick<AuditEntry, 'seq' | 'previousHash' | 'hash'> {}

/** With position 0 while the first entry is being added. */
export interface AuditHeadDocument extends AuditHead {
  /** The workspace's ID. */
  readonly _id: string;
  /** The last archived entry. See archive.ts. */
  readonly baseSeq?: number;
  readonly baseHash?: string;
  readonly entry?: EntryDocument;
  /** The process that is adding entries. See chainLock.ts. */
  readonly lockedBy?: string;
}

/** The version of `nameFolded`. Increment it when `fold` changes: names are folded again when the store is opened. */
export const FOLDING = 2;

export interface KeyDocument extends Omit<KeyRecord, 'id'> {
  readonly _id: string;
  readonly nameFolded: string;
  /** {@link FOLDING} of `nameFolded`; absent: written by an earlier release. */
  readonly folding?: number;
  /** The family's slot, only on one of its keys, until the family is known to have ended. See places.ts. */
  readonly slot?: number;
  /** When the family ends, on the key with its slot. See families.ts. */
  readonly keysEnd?: number;
  readonly adminEnd?: number;
  readonly turn?: number;
  /** The successor of a committed rotation, until it was inserted. See intents.ts. */
  readonly successor?: KeyDocument;
  /**
   * The tier under which a new key got its place, until the conditions of its insertion were checked again. See
   * intents.ts.
   */
  readonly unconfirmed?: Tier;
  /** The entry of a change, until it was added to the audit log. See ledger.ts. */
  readonly entry?: EntryDocument;
  /** Set on a removed key, which has no other fields but `_id`, `lookupId` and `folding`. See removal.ts. */
  readonly removed?: true;
}

/** A key that is read without trusted documents, neither its own nor its successor's. */
export type KeySummaryDocument = Omit<KeyDocument, 'trustedDocuments' | 'successor' | 'entry'> & {
  readonly successor?: Pick<KeyDocument, '_id'>;
  readonly entry?: Pick<EntryDocument, '_id'>;
};

export interface WorkspaceDocument extends Omit<WorkspaceRecord, 'id'> {
  readonly _id: string;
  /** The first key of a committed creation, until it was inserted. See intents.ts. */
  readonly firstKey?: KeyDocument;
  /** Present until the author has been checked again after the write. */
  readonly unconfirmed?: boolean;
  /** Whether limits of subjects of the workspace have been overridden, now or before. */
  readonly hasOverrides?: boolean;
  readonly entry?: EntryDocument;
}

export interface ProjectDocument extends Omit<ProjectRecord, 'id'> {
  readonly _id: string;
  readonly entry?: EntryDocument;
}

export interface UserDocument extends Omit<UserRecord, 'id'> {
  readonly _id: string;
  readonly entry?: EntryDocument;
}

/** An override, or the remains of a removed override, which replace nothing. */
export interface OverrideDocument extends LimitOverride {
  readonly _id: string;
  readonly entry?: EntryDocument;
}

export interface UsageDocument extends Omit<UsageRecord, 'start' | 'cost'> {
  /** A date, because MongoDB can only expire dates. */
  readonly start: Date;
  /**
   * The cost of the requests above one each. Absent if only an earlier release wrote it, whose request counts include the cost.
   */
  readonly surplus?: number;
  /** The last addition that changed it: see usageJournal.ts. */
  readonly last?: number;
}

export interface FieldsDocument {
  readonly keyId: string;
  /** The day. */
  readonly start: Date;
  /** By coordinate, with a colon in place of its dot. */
  readonly counts: Readonly<Record<string, number>>;
  /** The last addition that changed it: see usageJournal.ts. */
  readonly last?: number;
}

/**
 * Strict, so that a misspelled field is an error instead of a loss; no buffering, so that nothing waits for a
 * connection that may never open; indexes and collections are only created by open.ts.
 */
/** The options of every collection. */
export const OPTIONS = {
  strict: 'throw',
  strictQuery: 'throw',
  bufferCommands: false,
  autoIndex: false,
  autoCreate: false,
  versionKey: false,
  id: false,
  minimize: false,
  // Overrides the URI: on a secondary with replication lag, a revoked key would still be active.
  read: 'primary',
  writeConcern: { w: 'majority', j: true },
} as const;

const ENTRY: SchemaDefinition = {
  _id: String,
  workspaceId: String,
  projectId: String,
  at: Number,
  action: String,
  subject: String,
  actorKind: String,
  actor: String,
  address: String,
  userAgent: String,
  before: String,
  after: String,
  judged: String,
};

export const entry: Schema = new Schema(ENTRY, { ...OPTIONS, _id: false });

/** Nearly always empty, so that searching for unfinished changes is fast. */
export const ENTRIES_UNDER_WAY = { partialFilterExpression: { 'entry._id': { $exists: true } } };

/**
 * The index of unfinished changes in a workspace. Queries must name it, because other indexes of the workspace contain
 * all of its documents.
 */
export const UNDER_WAY = 'under_way';
export const IN_WORKSPACE = [
  { workspaceId: 1, 'entry._id': 1 },
  { name: UNDER_WAY, ...ENTRIES_UNDER_WAY },
] as const;

/** Sorts after all lookup IDs of imported keys: `;` is the character after their colon. */
export const FOREIGN_END = 'foreign;';

const HOLDS_SLOT = { partialFilterExpression: { slot: { $gte: 0 } } };
/** The name that MongoDB gives to the index of workspace and slot, as in stores of earlier releases. */
export const SLOTS = 'workspaceId_1_slot_1';
export const LIVING_KEYS = 'living_keys';
export const LIVING_ADMIN = 'living_admin';
/** The index of keys by when they were revoked and when they expire, for the removal of ended keys. */
export const ENDED = 'ended';

const TYPES = {
  text: { type: String },
  number: { type: Number },
  list: { type: [String], default: undefined },
} as const satisfies Record<(typeof KEY)[keyof KeyRecord]['stored'], object>;

const KEY_DEFINITION: SchemaDefinition = {
  _id: String,
  ...Object.fromEntries(KEY_FIELDS.filter((field) => field !== 'id').map((field) => [field, TYPES[KEY[field].stored]])),
  nameFolded: String,
  folding: Number,
  slot: Number,
  keysEnd: Number,
  adminEnd: Number,
  turn: Number,
  unconfirmed: String,
  removed: Boolean,
};

const embeddedKey = new Schema(KEY_DEFINITION, { ...OPTIONS, _id: false });

export const keySchema: Schema = new Schema(
  { ...KEY_DEFINITION, successor: embeddedKey, entry },
  { ...OPTIONS, collection: 'latchkey_keys' },
)
  .index({ lookupId: 1 }, { unique: true })
  .index({ workspaceId: 1, createdAt: -1, _id: -1 })
  .index({ workspaceId: 1, nameFolded: 1, _id: 1 })
  .index({ workspaceId: 1, lastUsedAt: 1, _id: 1 })
  .index({ workspaceId: 1, expiresAt: 1, _id: 1 })
  // For filters that may match few of many keys, in the default order. Other filters are checked while reading in an
  // order.
  .index({ workspaceId: 1, projectId: 1, createdAt: -1, _id: -1 })
  .index({ workspaceId: 1, userId: 1, createdAt: -1, _id: -1 })
  .index({ workspaceId: 1, externalId: 1, createdAt: -1, _id: -1 })
  .index({ workspaceId: 1, scopes: 1, createdAt: -1, _id: -1 })
  .index({ tokenPrefix: 1, workspaceId: 1, lookupId: 1 })
  // The same in all workspaces.
  .index(
    { tokenPrefix: 1, lookupId: 1 },
    { name: 'imported', partialFilterExpression: { lookupId: { $gte: FOREIGN, $lt: FOREIGN_END } } },
  )
  .index({ workspaceId: 1, familyId: 1 })
  .index({ workspaceId: 1, slot: 1 }, { name: SLOTS, unique: true, ...HOLDS_SLOT })
  // Contain all fields for counting active families, so that no key is read.
  .index({ workspaceId: 1, keysEnd: 1, slot: 1 }, { name: LIVING_KEYS, ...HOLDS_SLOT })
  .index({ workspaceId: 1, adminEnd: 1, keysEnd: 1, slot: 1 }, { name: LIVING_ADMIN, ...HOLDS_SLOT })
  // Nearly always empty, so that searching for unfinished changes is fast.
  .index({ 'successor._id': 1 }, { partialFilterExpression: { 'successor._id': { $exists: true } } })
  .index({ 'entry._id': 1 }, ENTRIES_UNDER_WAY)
  .index(...IN_WORKSPACE)
  .index({ revokedAt: 1, expiresAt: 1 }, { name: ENDED })
  // For the start, which searches for names folded by an earlier release.
  .index({ folding: 1 });

export const workspaceSchema: Schema = new Schema(
  {
    _id: String,
    name: String,
    tier: String,
    createdAt: Number,
    firstKey: embeddedKey,
    unconfirmed: Boolean,
    hasOverrides: Boolean,
    entry,
  },
  { ...OPTIONS, collection: 'latchkey_workspaces' },
)
  .index({ createdAt: 1, _id: 1 })
  .index({ 'firstKey._id': 1 }, { partialFilterExpression: { 'firstKey._id': { $exists: true } } })
  .index({ 'entry._id': 1 }, ENTRIES_UNDER_WAY);

export const projectSchema: Schema = new Schema(
  { _id: String, workspaceId: String, name: String, createdAt: Number, entry },
  { ...OPTIONS, collection: 'latchkey_projects' },
)
  .index({ workspaceId: 1, name: 1 }, { unique: true })
  .index({ workspaceId: 1, createdAt: 1, _id: 1 })
  .index({ 'entry._id': 1 }, ENTRIES_UNDER_WAY)
  .index(...IN_WORKSPACE);

export const userSchema: Schema = new Schema(
  {
    _id: String,
    workspaceId: String,
    name: String,
    roles: { type: [String], default: undefined },
    externalId: String,
    createdAt: Number,
    removedAt: Number,
    entry,
  },
  { ...OPTIONS, collection: 'latchkey_users' },
)
  .index({ workspaceId: 1, removedAt: 1, createdAt: 1, _id: 1 })
  .index({ 'entry._id': 1 }, ENTRIES_UNDER_WAY)
  .index(...IN_WORKSPACE);

export const overrideSchema: Schema = new Schema(
  {
    _id: String,
    workspaceId: String,
    kind: String,
    subjectId: String,
    rate: Number,
    burst: Number,
    quotas: String,
    until: Number,
    reason: String,
    setBy: String,
    setAt: Number,
    entry: entry,
  },
  { ...OPTIONS, collection: 'latchkey_limit_overrides' },
)
  .index({ workspaceId: 1, kind: 1, subjectId: 1 })
  .index({ 'entry._id': 1 }, ENTRIES_UNDER_WAY)
  .index(...IN_WORKSPACE);

export const auditSchema: Schema = new Schema(
  { ...ENTRY, seq: Number, previousHash: String, hash: String },
  { ...OPTIONS, collection: 'latchkey_audit' },
)
  .index({ workspaceId: 1, seq: 1 }, { unique: true })
  // One for each filter of the log, in the order of the chain; and one for times.
  .index({ workspaceId: 1, subject: 1, seq: 1 })
  .index({ workspaceId: 1, actor: 1, seq: 1 })
  .index({ workspaceId: 1, action: 1, seq: 1 })
  .index({ workspaceId: 1, projectId: 1, seq: 1 })
  .index({ workspaceId: 1, at: 1, seq: 1 });

export const auditHeadSchema: Schema = new Schema(
  { _id: String, seq: Number, hash: String, baseSeq: Number, baseHash: String, entry, lockedBy: String },
  { ...OPTIONS, collection: 'latchkey_audit_heads' },
);

/** Returns a schema for data of a key and a period. */
function ofPeriods(definition: SchemaDefinition, collection: string, kept: number): Schema {
  return new Schema({ keyId: String, start: Date, last: Number, ...definition }, { ...OPTIONS, collection })
    .index({ keyId: 1, start: 1 }, { unique: true })
    .index({ start: 1 }, { expireAfterSeconds: kept / 1000 });
}

const COUNTS: SchemaDefinition = { requests: Number, surplus: Number, limited: Number, forbidden: Number };
const { MINUTE, HOUR, DAY } = USAGE_PERIODS;

export const usageSchemas = {
  MINUTE: ofPeriods(COUNTS, 'latchkey_usage_minutes', MINUTE.kept),
  HOUR: ofPeriods(COUNTS, 'latchkey_usage', HOUR.kept),
  DAY: ofPeriods(COUNTS, 'latchkey_usage_days', DAY.kept),
} as const;

export const fieldsSchema = ofPeriods({ counts: Schema.Types.Mixed }, 'latchkey_used_fields', FIELDS_KEPT);
