import { INITIAL, KEY, KEY_FIELDS } from '../keyFields.js';
import type { KeyRecord } from '../records.js';
import type { Connection } from './connection.js';

const TYPES = { text: 'TEXT', number: 'INTEGER', list: 'TEXT' } as const satisfies Record<
  (typeof KEY)[keyof KeyRecord]['stored'],
  string
>;

/** The migration to a version that only adds the columns of keys with this version in keyFields.ts. */
export const KEY_COLUMNS = Symbol('columns of keys');

/** Adds the columns of keys that were introduced with a schema version. */
export function addKeyColumns(connection: Pick<Connection, 'exec'>, version: number): void {
  for (const field of KEY_FIELDS.filter((name) => KEY[name].since === version)) {
    connection.exec(`ALTER TABLE keys ADD COLUMN ${columnOf(field)}`);
  }
}

/** Returns the definition of a column. Existing rows get the initial value of the field. */
function columnOf(field: keyof KeyRecord): string {
  const type = TYPES[KEY[field].stored];
  const { [field]: initial } = INITIAL as Partial<KeyRecord>;
  if (initial === undefined) throw new TypeError(`Existing keys have no value for ${field}. Give it an initial value.`);
  if (initial === null) return `${field} ${type}`;
  return `${field} ${type} NOT NULL DEFAULT ${literal(typeof initial === 'object' ? JSON.stringify(initial) : initial)}`;
}

function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
