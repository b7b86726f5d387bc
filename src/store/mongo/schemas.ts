import { Schema, type SchemaDefinition } from 'mongoose';
import {
  USAGE_RETENTION,
  type AlertRecord,
  type AssetRecord,
  type KeyRecord,
  type UsageRecord,
  type WorkspaceRecord,
} from '../records.js';

export interface KeyDocument extends Omit<KeyRecord, 'id'> {
  readonly _id: string;
  readonly nameFolded: string;
  /** The family's place, on its first key alone, until the family is known to be dead for good. See places.ts. */
  readonly slot?: number;
  /** The successor of a rotation that is decided but whose key is not known to be written. See intents.ts. */
  readonly successor?: KeyDocument;
}

export interface WorkspaceDocument extends Omit<WorkspaceRecord, 'id'> {
  readonly _id: string;
  /** The first key of a creation that is decided but whose key is not known to be written. See intents.ts. */
  readonly firstKey?: KeyDocument;
}

export interface UsageDocument extends Omit<UsageRecord, 'start'> {
  /** A date, for only those can MongoDB let expire. */
  readonly start: Date;
}

export type AssetDocument = AssetRecord;

export interface AlertDocument extends Omit<AlertRecord, 'id'> {
  readonly _id: string;
  /** True while closedAt is null, otherwise absent: a partial index may ask for equality, not for null. */
  readonly open?: true;
}

/**
 * Strict, so that a misspelt field is an error and not a loss; no buffering, so that nothing waits for a connection that
 * may never come; indexes and collections only where open.ts builds them.
 */
const OPTIONS = {
  strict: 'throw',
  strictQuery: 'throw',
  bufferCommands: false,
  autoIndex: false,
  autoCreate: false,
  versionKey: false,
  id: false,
  minimize: false,
  writeConcern: { w: 'majority', j: true },
} as const;

const KEY: SchemaDefinition = {
  _id: String,
  workspaceId: String,
  familyId: String,
  lookupId: String,
  tokenPrefix: String,
  secretHash: String,
  digest: String,
  name: String,
  nameFolded: String,
  type: { type: String },
  environment: String,
  scopes: { type: [String], default: undefined },
  createdAt: Number,
  createdBy: String,
  expiresAt: Number,
  lifetime: Number,
  revokedAt: Number,
  revokedReason: String,
  lastUsedAt: Number,
  replaces: String,
  replacedBy: String,
  slot: Number,
};

const embeddedKey = new Schema(KEY, { ...OPTIONS, _id: false });

export const keySchema: Schema = new Schema(
  { ...KEY, successor: embeddedKey },
  { ...OPTIONS, collection: 'latchkey_keys' },
)
  .index({ lookupId: 1 }, { unique: true })
  .index({ workspaceId: 1, createdAt: -1, _id: -1 })
  .index({ workspaceId: 1, familyId: 1 })
  .index({ workspaceId: 1, slot: 1 }, { unique: true, partialFilterExpression: { slot: { $gte: 0 } } })
  // Nearly always empty, and so is the search for what was left half done.
  .index({ 'successor._id': 1 }, { partialFilterExpression: { 'successor._id': { $exists: true } } });

export const workspaceSchema: Schema = new Schema(
  { _id: String, name: String, tier: String, createdAt: Number, firstKey: embeddedKey },
  { ...OPTIONS, collection: 'latchkey_workspaces' },
)
  .index({ createdAt: 1, _id: 1 })
  .index(
    { createdAt: 1 },
    { name: 'creations_under_way', partialFilterExpression: { 'firstKey._id': { $exists: true } } },
  );

export const usageSchema: Schema = new Schema(
  { keyId: String, start: Date, requests: Number, limited: Number, forbidden: Number },
  { ...OPTIONS, collection: 'latchkey_usage' },
)
  .index({ keyId: 1, start: 1 }, { unique: true })
  .index({ start: 1 }, { expireAfterSeconds: USAGE_RETENTION / 1000 });

const columns = { type: [{ _id: false, name: String, type: { type: String } }], default: undefined };

export const assetSchema: Schema = new Schema(
  {
    workspaceId: String,
    name: String,
    description: String,
    owner: String,
    allowedAge: Number,
    upstream: { type: [String], default: undefined },
    expectedColumns: columns,
    columns,
    schemaVersion: Number,
    lastLoadAt: Number,
    lastLoadRows: Number,
    createdAt: Number,
  },
  { ...OPTIONS, collection: 'latchkey_assets' },
)
  .index({ workspaceId: 1, name: 1 }, { unique: true })
  .index({ workspaceId: 1, upstream: 1, name: 1 });

export const alertSchema: Schema = new Schema(
  {
    _id: String,
    workspaceId: String,
    asset: String,
    kind: String,
    message: String,
    openedAt: Number,
    closedAt: Number,
    open: Boolean,
  },
  { ...OPTIONS, collection: 'latchkey_alerts' },
).index({ workspaceId: 1, asset: 1, kind: 1 }, { unique: true, partialFilterExpression: { open: true } });
