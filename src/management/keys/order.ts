import { badInput, type Refusal } from '../../core/errors/refusal.js';
import {
  KEY_ORDER_FIELDS,
  keyPosition,
  NEWEST_FIRST,
  type KeyOrder,
  type KeyOrderField,
  type KeyPosition,
} from '../../core/store/ordering.js';
import { isConfigured, type AnyKey } from '../../core/keys/configured.js';
import { decodeCursor, encodeCursor } from './keyCursor.js';

/** The maximum length of a cursor. A name has at most 100 code points, and case folding makes at most three of each. */
const MAX_CURSOR = 4_096;

const ID = /^(?:key|conf)_[0-9A-Za-z]{1,32}$/;

/** Returns the position of a key in an order. Configured keys have no times, so they come after all stored keys. */
export function positionIn(field: KeyOrderField, key: AnyKey): KeyPosition {
  if (isConfigured(key)) return { value: field === 'CREATED' ? 0 : null, id: key.id };
  return keyPosition(key, field);
}

/** Returns the cursor of a position. Cursors of the default order are the same as in earlier releases. */
export function encodePosition(order: KeyOrder, { value, id }: KeyPosition): string {
  if (isDefault(order)) return encodeCursor({ createdAt: Number(value), id });
  return Buffer.from(JSON.stringify([nameOf(order), value, id])).toString('base64url');
}

/** Parses a cursor. @throws Refusal BAD_USER_INPUT if {@link encodePosition} did not create it for this order */
export function decodePosition(order: KeyOrder, cursor: string): KeyPosition {
  const [made, value, id, ...more] = listIn(cursor);
  if (typeof made === 'string' && made !== nameOf(order) && ORDERS.has(made)) throw otherOrder(made, order);
  if (isDefault(order)) {
    const { createdAt, id: key } = decodeCursor(cursor, 'key', 'conf');
    return { value: createdAt, id: key };
  }
  if (made !== nameOf(order) || !isValueOf(order.field, value) || !isKeyId(id) || more.length > 0) {
    throw isOfDefault(cursor)
      ? otherOrder(nameOf(NEWEST_FIRST), order)
      : badInput(['after'], 'Invalid cursor. Use endCursor of the previous page.');
  }
  return { value, id };
}

const ORDERS: ReadonlySet<string> = new Set(
  KEY_ORDER_FIELDS.flatMap((field) => [nameOf({ field, direction: 'ASC' }), nameOf({ field, direction: 'DESC' })]),
);

function nameOf({ field, direction }: KeyOrder): string {
  return `${field} ${direction}`;
}

function isDefault(order: KeyOrder): boolean {
  return nameOf(order) === nameOf(NEWEST_FIRST);
}

function otherOrder(made: string, asked: KeyOrder): Refusal {
  return badInput(
    ['after'],
    `The cursor was made for the order ${made}, but the request uses ${nameOf(asked)}. ` +
      'Use the same orderBy for every page, or leave out `after`.',
  );
}

function isValueOf(field: KeyOrderField, value: unknown): value is KeyPosition['value'] {
  if (value === null) return field === 'LAST_USED' || field === 'EXPIRES' || field === 'NAME';
  return field === 'NAME' ? typeof value === 'string' && !value.includes('\0') : Number.isSafeInteger(value);
}

function isKeyId(id: unknown): id is string {
  return typeof id === 'string' && ID.test(id);
}

function isOfDefault(cursor: string): boolean {
  try {
    decodeCursor(cursor, 'key', 'conf');
    return true;
  } catch {
    return false;
  }
}

function listIn(cursor: string): readonly unknown[] {
  if (cursor.length > MAX_CURSOR) return [];
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
