import type { KeyRecord } from '../records.js';

export interface KeyRow extends Omit<KeyRecord, 'scopes' | 'allowedAddresses' | 'trustedDocuments'> {
  readonly scopes: string;
  readonly allowedAddresses: string;
  readonly trustedDocuments: string | null;
}

/** isAlive and statusOf of records.ts, for queries. */
export const ALIVE = 'revokedAt IS NULL AND (expiresAt IS NULL OR expiresAt > $now)';
export const STATUS = `CASE WHEN revokedAt IS NOT NULL THEN 'REVOKED' WHEN ${ALIVE} THEN 'ACTIVE' ELSE 'EXPIRED' END`;

export function toRecord(row: KeyRow): KeyRecord {
  return {
    ...row,
    scopes: JSON.parse(row.scopes) as string[],
    allowedAddresses: JSON.parse(row.allowedAddresses) as string[],
    trustedDocuments: row.trustedDocuments === null ? null : (JSON.parse(row.trustedDocuments) as string[]),
  };
}
