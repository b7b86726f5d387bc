import { KEY, type KeyFields } from '../../../src/core/store/keyFields.js';
import type { KeyRecord } from '../../../src/core/store/records.js';

// Checked by npm run typecheck: an expected error that does not occur is an error.

/** The record of a key with another field. */
interface LongerRecord extends KeyRecord {
  readonly motto: string | null;
}

const motto = {
  stored: 'text',
  since: 17,
  initial: null,
  chosen: 'optional',
  changedBy: 'update',
  restricts: false,
  inherited: true,
  audited: true,
  shown: true,
  listed: true,
  configured: null,
  imported: false,
  perWeight: 500,
} as const;

export const complete: KeyFields<LongerRecord> = { ...KEY, motto };

// @ts-expect-error A field without an entry in the table.
export const forgotten: KeyFields<LongerRecord> = { ...KEY };

const { audited, ...unaudited } = motto;
export const undecided: boolean = audited;

// @ts-expect-error An entry that doesn't say whether the field is audited.
export const incomplete: KeyFields<LongerRecord> = { ...KEY, motto: unaudited };

// @ts-expect-error An entry that stores a text as a number.
export const wrong: KeyFields<LongerRecord> = { ...KEY, motto: { ...motto, stored: 'number' } };

// @ts-expect-error An entry for a field that the record does not have.
export const strange: KeyFields<KeyRecord> = { ...KEY, motto };
