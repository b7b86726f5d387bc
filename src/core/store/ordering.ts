import { shown } from '../../shared/optionChecks.js';
import { fold } from '../../shared/text/fold.js';
import type { KeyRecord } from './records.js';

export const KEY_ORDER_FIELDS = ['CREATED', 'NAME', 'LAST_USED', 'EXPIRES'] as const;
export type KeyOrderField = (typeof KEY_ORDER_FIELDS)[number];

/**
 * The order of a list of keys: by a field, then by ID in the same direction. Keys without a value come last in both
 * directions.
 */
export interface KeyOrder {
  readonly field: KeyOrderField;
  readonly direction: 'ASC' | 'DESC';
}

/** The position of a key in a {@link KeyOrder}. */
export interface KeyPosition {
  /** null if the key has no value in the field. */
  readonly value: string | number | null;
  readonly id: string;
}

export const NEWEST_FIRST: KeyOrder = Object.freeze({ field: 'CREATED', direction: 'DESC' });

/** The stored field for each order. Both engines have an index on the workspace, the field and the ID. */
export const ORDERED_BY = {
  CREATED: 'createdAt',
  NAME: 'nameFolded',
  LAST_USED: 'lastUsedAt',
  EXPIRES: 'expiresAt',
} as const;

/** Fields that can be null. */
const NULLABLE: ReadonlySet<KeyOrderField> = new Set(['LAST_USED', 'EXPIRES']);

type Ordered = Pick<KeyRecord, 'id' | 'name' | 'createdAt' | 'lastUsedAt' | 'expiresAt'>;

/** Returns the position of a key in an order. */
export function keyPosition(key: Ordered, field: KeyOrderField): KeyPosition {
  const { id } = key;
  switch (field) {
    case 'CREATED':
      return { value: key.createdAt, id };
    case 'NAME':
      return { value: fold(key.name), id };
    case 'LAST_USED':
      return { value: key.lastUsedAt, id };
    case 'EXPIRES':
      return { value: key.expiresAt, id };
    default:
      throw new TypeError(`Keys cannot be ordered by ${shown(field)}. Allowed: ${KEY_ORDER_FIELDS.join(', ')}.`);
  }
}

/**
 * Reads a page from two ranges of one index, first keys with a value and then keys without: an index sorts null first,
 * but the list shows it last.
 *
 * @param read reads one range: at most `limit` rows with or without a value, after a position
 */
export async function readInOrder<Row>(
  field: KeyOrderField,
  after: KeyPosition | null,
  limit: number,
  read: (range: 'valued' | 'empty', after: KeyPosition | null, limit: number) => Row[] | Promise<Row[]>,
): Promise<Row[]> {
  const inEmpty = after?.value === null;
  const valued = inEmpty ? [] : await read('valued', after, limit);
  if (!NULLABLE.has(field) || valued.length >= limit) return valued;
  return [...valued, ...(await read('empty', inEmpty ? after : null, limit - valued.length))];
}
