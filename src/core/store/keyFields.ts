import type { KeyRecord, KeySummary } from './records.js';

/** The initial value of a field that whoever creates a key must give. */
const GIVEN = Symbol('given');
/** The initial value of a field that is generated with the key. */
const GENERATED = Symbol('generated');
/** The value of a configured key that its entry in the configuration determines. */
const FROM_ENTRY = Symbol('from the entry');
/** The value of a configured key that has none. The API returns null. */
const NONE = Symbol('none');

/** Describes one field for all code that handles keys. */
interface KeyField<Name extends keyof Fields, Fields extends object, Value = Fields[Name]> {
  /** The type of the SQLite column and of the field in MongoDB. SQLite stores a list as JSON. */
  readonly stored: StoredAs<NonNullable<Value>>;
  /** The schema version from which SQLite files have the column. For a new field, add a version to migrations.ts. */
  readonly since: number;
  /** The value of a new key, and of a key that was stored before the field existed. */
  readonly initial: Value | typeof GIVEN | typeof GENERATED;
  /** Whether the caller chooses the value at creation. */
  readonly chosen: 'required' | 'optional' | false;
  /** The operation that changes it later, such as {@link KeyStore.update}; null if none. */
  readonly changedBy: 'update' | 'expiry' | 'revocation' | 'rotation' | 'use' | null;
  /** Whether it restricts what the key can do, so that a change may extend it. See widening.ts. */
  readonly restricts: boolean;
  /**
   * Whether the successor of a rotation gets the same value. `always`: the store copies it, whatever value the successor was passed with.
   */
  readonly inherited: boolean | 'always';
  /** Whether audit entries of the key contain it. */
  readonly audited: boolean;
  /** Whether `ApiKey` has a field of this name; a text: the name of the field whose resolver reads it. */
  readonly shown: boolean | string;
  /** Whether lists and look-ups of several keys read it. */
  readonly listed: Name extends keyof KeySummary ? true : Name extends keyof KeyRecord ? false : boolean;
  /** The value of a configured key. */
  readonly configured: Value | null | typeof FROM_ENTRY | typeof NONE;
  /** Whether `latchkey import` sets it. Otherwise an imported key has the initial value. */
  readonly imported: boolean;
  /** The number of characters or items that take as much memory in the cache as a small key; null if it is always short. */
  readonly perWeight: number | null;
}

type StoredAs<Value> = [Value] extends [readonly string[]] ? 'list' : [Value] extends [number] ? 'number' : 'text';

/** A description of every field of a record: a missing field, or a field with a missing property, doesn't compile. */
export type KeyFields<Fields extends object> = { readonly [Name in keyof Fields]-?: KeyField<Name, Fields> };

/** Part of a key's identity, which a successor doesn't inherit. */
const IDENTITY = {
  since: 1,
  initial: GENERATED,
  chosen: false,
  changedBy: null,
  restricts: false,
  inherited: false,
  audited: false,
  listed: true,
  imported: true,
  perWeight: null,
} as const;

/** Part of the state of a key, which a successor doesn't inherit. */
const STATE = {
  since: 1,
  initial: null,
  chosen: false,
  restricts: false,
  inherited: false,
  listed: true,
  imported: false,
  perWeight: null,
} as const;

/** Chosen when the key is created, and then the same for its whole rotation family. */
const LASTING = {
  changedBy: null,
  restricts: false,
  listed: true,
  perWeight: null,
} as const;

/** Can be changed with `updateApiKey`. */
const UPDATABLE = {
  changedBy: 'update',
  audited: true,
} as const;

/**
 * The fields of a key. Both engines, rotation, the audit log, lists, creation and update, the API, configured keys and
 * the import follow this table. Audit entries contain the fields in this order.
 */
export const KEY = {
  id: { ...IDENTITY, stored: 'text', shown: true, configured: FROM_ENTRY },
  workspaceId: {
    ...LASTING,
    stored: 'text',
    since: 1,
    initial: GIVEN,
    chosen: 'optional',
    inherited: 'always',
    audited: false,
    shown: true,
    configured: FROM_ENTRY,
    imported: true,
  },
  projectId: {
    ...LASTING,
    stored: 'text',
    since: 3,
    initial: null,
    chosen: 'optional',
    inherited: 'always',
    audited: false,
    shown: 'project',
    configured: null,
    imported: false,
  },
  familyId: { ...IDENTITY, stored: 'text', inherited: 'always', shown: true, configured: FROM_ENTRY },
  lookupId: { ...IDENTITY, stored: 'text', shown: 'prefix', configured: NONE },
  tokenPrefix: { ...IDENTITY, stored: 'text', shown: 'prefix', configured: NONE },
  secretHash: { ...IDENTITY, stored: 'text', shown: false, configured: NONE },
  digest: { ...IDENTITY, stored: 'text', changedBy: 'use', shown: false, configured: NONE },
  name: {
    ...UPDATABLE,
    stored: 'text',
    since: 1,
    initial: GIVEN,
    chosen: 'required',
    restricts: false,
    inherited: true,
    shown: true,
    listed: true,
    configured: FROM_ENTRY,
    imported: true,
    perWeight: 500,
  },
  type: {
    ...LASTING,
    stored: 'text',
    since: 1,
    initial: GIVEN,
    chosen: 'required',
    inherited: true,
    audited: true,
    shown: true,
    configured: 'SECRET',
    imported: true,
  },
  environment: {
    ...LASTING,
    stored: 'text',
    since: 1,
    initial: GIVEN,
    chosen: 'required',
    inherited: true,
    audited: true,
    shown: true,
    configured: 'LIVE',
    imported: true,
  },
  scopes: {
    ...UPDATABLE,
    stored: 'list',
    since: 1,
    initial: GIVEN,
    chosen: 'required',
    // The service compares them with those of the caller instead.
    restricts: false,
    inherited: true,
    shown: true,
    listed: true,
    configured: FROM_ENTRY,
    imported: true,
    perWeight: 8,
  },
  userId: {
    ...LASTING,
    stored: 'text',
    since: 3,
    initial: null,
    chosen: 'optional',
    inherited: 'always',
    audited: true,
    shown: 'user',
    configured: null,
    imported: true,
  },
  externalId: {
    ...LASTING,
    stored: 'text',
    since: 21,
    initial: null,
    chosen: 'optional',
    inherited: 'always',
    audited: true,
    shown: true,
    configured: null,
    imported: false,
    perWeight: 500,
  },
  allowedAddresses: {
    ...UPDATABLE,
    stored: 'list',
    since: 3,
    initial: [],
    chosen: 'optional',
    restricts: true,
    inherited: 'always',
    shown: true,
    listed: true,
    configured: [],
    imported: false,
    perWeight: 4,
  },
  trustedDocuments: {
    ...UPDATABLE,
    stored: 'list',
    since: 3,
    initial: null,
    chosen: 'optional',
    restricts: true,
    inherited: 'always',
    shown: 'trustedDocuments',
    listed: false,
    configured: null,
    imported: false,
    perWeight: 8,
  },
  createdAt: { ...IDENTITY, stored: 'number', initial: GIVEN, shown: true, configured: null },
  createdBy: { ...IDENTITY, stored: 'text', initial: GIVEN, shown: true, configured: NONE },
  expiresAt: {
    ...STATE,
    stored: 'number',
    initial: GIVEN,
    chosen: 'optional',
    changedBy: 'expiry',
    audited: true,
    shown: true,
    configured: null,
    imported: true,
  },
  lifetime: {
    ...STATE,
    stored: 'number',
    initial: GIVEN,
    changedBy: 'expiry',
    inherited: true,
    audited: true,
    shown: false,
    configured: NONE,
    imported: true,
  },
  revokedAt: {
    ...STATE,
    stored: 'number',
    changedBy: 'revocation',
    audited: true,
    shown: true,
    configured: null,
  },
  revokedReason: {
    ...STATE,
    stored: 'text',
    changedBy: 'revocation',
    audited: true,
    shown: true,
    configured: NONE,
    perWeight: 500,
  },
  lastUsedAt: { ...STATE, stored: 'number', changedBy: 'use', audited: false, shown: true, configured: NONE },
  replaces: { ...STATE, stored: 'text', changedBy: null, audited: true, shown: 'replaces', configured: null },
  replacedBy: {
    ...STATE,
    stored: 'text',
    changedBy: 'rotation',
    audited: true,
    shown: 'replacedBy',
    configured: null,
  },
} as const satisfies KeyFields<KeyRecord>;

type Table = typeof KEY;
type Property = keyof Table[keyof Table];

/** The fields with one of these values of a property. */
type FieldsWith<Of extends Property, Values> = {
  [Name in keyof Table]: Table[Name][Of] extends Values ? Name : never;
}[keyof Table];

type FieldsWithout<Of extends Property, Values> = Exclude<keyof Table, FieldsWith<Of, Values>>;

export const KEY_FIELDS = Object.keys(KEY) as readonly (keyof KeyRecord)[];

function fieldsWith<const Of extends Property, const Values extends readonly unknown[]>(
  property: Of,
  ...values: Values
): readonly FieldsWith<Of, Values[number]>[] {
  return KEY_FIELDS.filter((name) => values.includes(KEY[name][property])) as FieldsWith<Of, Values[number]>[];
}

/** The fields of a {@link KeySummary}. */
export const KEY_SUMMARY_FIELDS = fieldsWith('listed', true);

/** The fields that SQLite stores as JSON. */
export const KEY_LISTS = fieldsWith('stored', 'list');

/** The fields that a caller can update. */
export const UPDATED_FIELDS = fieldsWith('changedBy', 'update');
export type UpdatedField = (typeof UPDATED_FIELDS)[number];

/** The fields that change with a {@link KeyPatch}. */
export const PATCHED_FIELDS = fieldsWith('changedBy', 'update', 'expiry', 'revocation', 'rotation');
export type PatchedField = (typeof PATCHED_FIELDS)[number];

/** The fields that determine whether a caller may change or rotate a key. */
export const GRANT_FIELDS = fieldsWith('changedBy', 'update', 'expiry');

/** The fields whose change may allow a key more than before. */
export const RESTRICTING_FIELDS = fieldsWith('restricts', true);
export type RestrictingField = (typeof RESTRICTING_FIELDS)[number];

/** The fields that a successor inherits, and those of them that the store copies. */
export const INHERITED_FIELDS = fieldsWith('inherited', true, 'always');
export const ALWAYS_INHERITED = fieldsWith('inherited', 'always');

/** The fields that audit entries contain. They contain no secrets. */
export const AUDITED_FIELDS = fieldsWith('audited', true);

/** The fields of `ApiKey` that need a resolver, because they show a field of another form. */
export type ResolvedField = Extract<Table[keyof Table]['shown'], string>;

/** The fields of `ApiKey` that show a field of a key, as it is or with a resolver. */
export type ShownField = FieldsWith<'shown', true> | ResolvedField;

/** The fields that whoever creates a key must give, and those that have a default. */
export type GivenField = FieldsWith<'initial', typeof GIVEN>;
export type DefaultedField = FieldsWithout<'initial', symbol>;
export type ImportedField = FieldsWith<'imported', true>;

/** The values of a new key that the caller doesn't choose. Also of keys that were stored before a field existed. */
export const INITIAL = valuesOf('initial') as Pick<KeyRecord, DefaultedField>;

/** The fields that a caller gives for a new key. */
export type ChosenFields = Pick<KeyRecord, FieldsWith<'chosen', 'required'>> & {
  readonly [Name in FieldsWith<'chosen', 'optional'>]?: KeyRecord[Name] | null;
};

type ConfiguredValue<Name extends keyof Table> = Table[Name]['configured'] extends symbol
  ? KeyRecord[Name]
  : Table[Name]['configured'];

/** The fields of a configured key. */
export type ConfiguredFields = {
  readonly [Name in FieldsWithout<'configured', typeof NONE>]: ConfiguredValue<Name>;
};

type ConfiguredConstant = FieldsWithout<'configured', symbol>;

/** The values that all configured keys have in common. */
export const CONFIGURED = valuesOf('configured') as Pick<ConfiguredFields, ConfiguredConstant>;

function valuesOf(property: 'initial' | 'configured'): Readonly<Record<string, unknown>> {
  const values = KEY_FIELDS.map((name) => [name, KEY[name][property] as unknown] as const);
  return Object.freeze(Object.fromEntries(values.filter(([, value]) => typeof value !== 'symbol')));
}

/** The number of characters or items for each unit of weight, by field. */
const WEIGHING = KEY_FIELDS.flatMap((name) => {
  const per = KEY[name].perWeight;
  return per === null ? [] : [{ name, per }];
});

/** Returns the size of a key in the cache, in multiples of a small key. */
export function weightOf(key: KeyRecord): number {
  return WEIGHING.reduce((sum, { name, per }) => sum + ((key[name] as string | null)?.length ?? 0) / per, 1);
}
