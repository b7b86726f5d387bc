import { badInput } from '../refusals/refusal.js';
import { keyPosition, type KeyOrderField, type KeyPosition } from '../store/ordering.js';
import { isConfigured, type AnyKey } from './configured.js';
import { decodeCursor, encodeCursor } from './cursor.js';

/** Bounds the cursor of a name: a name has 100 code points, and folding makes at most three of each. */
const MAX_CURSOR = 4_096;

const ID = /^(?:key|conf)_[0-9A-Za-z]{1,32}$/;

/** The place of a key in an order. Configured keys have no times, and come after all stored ones in every order. */
export function positionIn(field: KeyOrderField, key: AnyKey): KeyPosition {
  if (isConfigured(key)) return { value: field === 'CREATED' ? 0 : null, id: key.id };
  return keyPosition(key, field);
}

/** Writes a cursor. Those of the order CREATED are the same as in earlier releases. */
export function encodePosition(field: KeyOrderField, { value, id }: KeyPosition): string {
  if (field === 'CREATED') return encodeCursor({ createdAt: Number(value), id });
  return Buffer.from(JSON.stringify([field, value, id])).toString('base64url');
}

/** @throws Refusal BAD_USER_INPUT for anything that {@link encodePosition} did not make for this order */
export function decodePosition(field: KeyOrderField, cursor: string): KeyPosition {
  if (field === 'CREATED') {
    const { createdAt: value, id } = decodeCursor(cursor, 'key', 'conf');
    return { value, id };
  }
  const [order, value, id, ...more] = listIn(cursor);
  const isValue =
    value === null ||
    (field === 'NAME' ? typeof value === 'string' && !value.includes('\0') : Number.isSafeInteger(value));
  if (order !== field || !isValue || typeof id !== 'string' || !ID.test(id) || more.length > 0) {
    throw badInput(['after'], 'Invalid cursor. Use endCursor of the previous page, in the same order.');
  }
  return { value: value as KeyPosition['value'], id };
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
