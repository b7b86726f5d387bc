import { Schema } from 'mongoose';
import { OPTIONS } from '../../../core/store/mongo/schemas.js';
import { EVENT_RETENTION, type AlertRecord, type AssetRecord, type EventRecord } from '../demoRecords.js';

export type AssetDocument = AssetRecord;

export interface AlertDocument extends Omit<AlertRecord, 'id'> {
  readonly _id: string;
  /** True while closedAt is null, otherwise absent: a partial index can filter by equality, but not by null. */
  readonly open?: true;
}

export interface EventDocument extends Omit<EventRecord, 'at'> {
  /** A date, because the engine deletes events by it. */
  readonly at: Date;
}

const columns = { type: [{ _id: false, name: String, type: { type: String } }], default: undefined };

export const assetSchema: Schema = new Schema(
  {
    projectId: String,
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
  .index({ projectId: 1, name: 1 }, { unique: true })
  .index({ projectId: 1, upstream: 1, name: 1 });

export const alertSchema: Schema = new Schema(
  {
    _id: String,
    projectId: String,
    asset: String,
    kind: String,
    message: String,
    openedAt: Number,
    closedAt: Number,
    open: Boolean,
  },
  { ...OPTIONS, collection: 'latchkey_alerts' },
).index({ projectId: 1, asset: 1, kind: 1 }, { unique: true, partialFilterExpression: { open: true } });

/** An index for each kind of query, so that no filter reads events that it does not match. */
export const eventSchema: Schema = new Schema(
  { projectId: String, id: String, type: { type: String }, asset: String, at: Date, rows: Number, properties: String },
  { ...OPTIONS, collection: 'latchkey_events' },
)
  .index({ projectId: 1, id: 1 }, { unique: true })
  .index({ projectId: 1, at: -1, id: -1 })
  .index({ projectId: 1, type: 1, at: -1, id: -1 })
  .index({ projectId: 1, asset: 1, at: -1, id: -1 })
  .index({ projectId: 1, asset: 1, type: 1, at: -1, id: -1 })
  .index({ at: 1 }, { expireAfterSeconds: EVENT_RETENTION / 1000 });
