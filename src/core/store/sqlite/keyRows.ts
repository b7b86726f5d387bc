import { KEY_FIELDS, KEY_LISTS, KEY_SUMMARY_FIELDS } from '../keyFields.js';
import { pick } from '../fields.js';
import type { KeyDocuments, KeyRecord, KeySummary } from '../records.js';

/** A key without its trusted documents, with JSON for lists. */
export type KeySummaryRow = {
  readonly [Name in keyof KeySummary]: KeySummary[Name] extends readonly string[] ? string : KeySummary[Name];
};

export interface KeyDocumentsRow extends Pick<KeyRecord, 'id'> {
  readonly trustedDocuments: string | null;
}

export type KeyRow = KeySummaryRow & KeyDocumentsRow;

/** The columns of a {@link KeySummaryRow}, for queries. */
export const SUMMARY = KEY_SUMMARY_FIELDS.map((field) => `keys.${field}`).join(', ');

/**
 * The columns of a {@link KeyRow}. Trusted documents are in a separate table. SQLite writes whole rows, so recording
 * the last use of a key would otherwise also write its documents.
 */
export const COLUMNS = KEY_FIELDS.map((field) =>
  field === 'trustedDocuments'
    ? `(SELECT documents FROM keyDocuments WHERE keyId = keys.id) AS ${field}`
    : `keys.${field}`,
).join(', ');

/** isAlive and statusOf of records.ts, for queries. */
export const ALIVE = 'revokedAt IS NULL AND (expiresAt IS NULL OR expiresAt > $now)';
export const STATUS = `CASE WHEN revokedAt IS NOT NULL THEN 'REVOKED' WHEN ${ALIVE} THEN 'ACTIVE' ELSE 'EXPIRED' END`;

export function toSummary(row: KeySummaryRow): KeySummary {
  return { ...row, ...listsIn(row) };
}

export function toRecord(row: KeyRow): KeyRecord {
  return { ...row, ...listsIn(row), ...toDocuments(row) };
}

export function toDocuments({ id, trustedDocuments }: KeyDocumentsRow): KeyDocuments {
  return { id, trustedDocuments: trustedDocuments === null ? null : (JSON.parse(trustedDocuments) as string[]) };
}

const LISTS = KEY_LISTS.filter((field): field is SummaryList => field !== 'trustedDocuments');
type SummaryList = Extract<(typeof KEY_LISTS)[number], keyof KeySummary>;

function listsIn(row: KeySummaryRow): Pick<KeySummary, SummaryList> {
  const lists = LISTS.map((field) => [field, JSON.parse(row[field]) as string[]] as const);
  return Object.fromEntries(lists) as Record<SummaryList, string[]>;
}

/** Returns a key as parameters of a {@link KeySummaryRow}. */
export function toRow(key: KeySummary): KeySummaryRow {
  const lists = LISTS.map((field) => [field, JSON.stringify(key[field])]);
  return { ...pick(key, KEY_SUMMARY_FIELDS), ...(Object.fromEntries(lists) as Pick<KeySummaryRow, SummaryList>) };
}
