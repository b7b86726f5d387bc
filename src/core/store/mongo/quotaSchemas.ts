import { Schema } from 'mongoose';
import type { BalanceState, Remembered } from '../quotaRules.js';
import { COUNTERS_KEPT } from '../quotaStore.js';
import { ENTRIES_UNDER_WAY, entry, IN_WORKSPACE, OPTIONS, type EntryDocument } from './schemas.js';

export interface CounterDocument {
  readonly _id: string;
  readonly start: number;
  /** A date, because MongoDB can only expire dates. */
  readonly end: Date;
  readonly taken: number;
  readonly told: number;
  /** The result of the last lease, and `told` before it. */
  readonly granted?: number;
  readonly toldBefore?: number;
}

export interface CreditsDocument extends BalanceState {
  readonly _id: string;
  readonly workspaceId: string;
  readonly additions: readonly Remembered[];
  /** The result of the last lease. */
  readonly granted?: number;
  /** The entry of an addition, until it was added to the audit log. See ledger.ts. */
  readonly entry?: EntryDocument;
}

export const QUOTA_UNIQUE = { _id: 'quota.id' };

export const counterSchema: Schema = new Schema(
  { _id: String, start: Number, end: Date, taken: Number, told: Number, granted: Number, toldBefore: Number },
  { ...OPTIONS, collection: 'latchkey_quota_counters' },
).index({ end: 1 }, { expireAfterSeconds: COUNTERS_KEPT / 1000 });

export const creditsSchema: Schema = new Schema(
  {
    _id: String,
    workspaceId: String,
    balance: Number,
    refilledAt: Number,
    refilledBefore: Number,
    raised: Number,
    additions: [new Schema({ key: String, amount: Number }, { ...OPTIONS, _id: false })],
    granted: Number,
    entry,
  },
  { ...OPTIONS, collection: 'latchkey_credits' },
)
  .index({ 'entry._id': 1 }, ENTRIES_UNDER_WAY)
  .index(...IN_WORKSPACE);
