/** How long the result of an authentication stays valid. */
export interface Validity {
  /** The lookup ID of the key's record, as in changes; null for credentials without a record in the store. */
  readonly lookupId: string | null;
  /** How long the cached record stays valid, in milliseconds. 0: authenticate again now. */
  readonly countsFor: number;
  /** When the credential itself expires, in milliseconds since the epoch; null: never. */
  readonly expiresAt: number | null;
}
