import { badInput } from '../errors/refusal.js';
import { pick } from '../store/fields.js';
import { INITIAL, UPDATED_FIELDS, type UpdatedField } from '../store/keyFields.js';
import type { KeyRecord } from '../store/records.js';
import { checkAddresses, checkName, checkTrustedDocuments } from './keyInput.js';

/** The new values of fields that can be updated. Absent fields and null stay as they are. */
export type UpdatedValues = { readonly [Name in UpdatedField]?: KeyRecord[Name] | null };

/** Returns the value to store, for each field that a caller can set at any time. */
export type ValueChecks = {
  readonly [Name in UpdatedField]: (value: NonNullable<KeyRecord[Name]>) => KeyRecord[Name];
};

/** @param scopes checks and expands scopes; see {@link checkScopes} */
export function valueChecks(scopes: (wanted: readonly string[]) => string[]): ValueChecks {
  return {
    name: checkName,
    scopes,
    allowedAddresses: checkAddresses,
    trustedDocuments: checkTrustedDocuments,
  };
}

/** Returns the checked values for a new key. Absent fields get their initial value, if they have one. @throws Refusal */
export function checkNewValues(input: UpdatedValues, checks: ValueChecks): Pick<KeyRecord, UpdatedField> {
  const given = UPDATED_FIELDS.filter((name) => input[name] != null || !(name in INITIAL));
  return pick({ ...INITIAL, ...checked(input, checks, given) } as KeyRecord, UPDATED_FIELDS);
}

/** Returns the checked values of the fields that are given. @throws Refusal */
export function checkChanges(input: UpdatedValues, checks: ValueChecks): Partial<Pick<KeyRecord, UpdatedField>> {
  return checked(input, checks, givenIn(input));
}

/** Checks that an update changes something. @throws Refusal BAD_USER_INPUT */
export function assertChanges(input: UpdatedValues): void {
  if (givenIn(input).length > 0) return;
  throw badInput(['input'], 'There is nothing to change. Give a name, scopes, addresses or documents.');
}

function givenIn(input: UpdatedValues): readonly UpdatedField[] {
  return UPDATED_FIELDS.filter((name) => input[name] != null);
}

function checked(input: UpdatedValues, checks: ValueChecks, names: readonly UpdatedField[]): object {
  return Object.fromEntries(names.map((name) => [name, (checks[name] as (value: unknown) => unknown)(input[name])]));
}
