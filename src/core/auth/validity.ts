import type { StoreState } from './storeState.js';

/** How long the result of an authentication stays valid. */
export interface Validity {
  /** The lookup ID of the key's record, as in changes; null for credentials without a record in the store. */
  readonly lookupId: string | null;
  /** How long the cached record stays valid, in milliseconds. 0: authenticate again now. */
  readonly countsFor: number;
  /** The state of the store in which the record was read: it stays valid as long as the state does. Absent or null if unknown. */
  readonly state?: StoreState | null;
  /** When the credential itself expires, in milliseconds since the epoch; null means never. */
  readonly expiresAt: number | null;
}
