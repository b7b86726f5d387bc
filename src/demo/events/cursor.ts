import { badInput } from '../../core/errors/refusal.js';

/** The end of a page of events, which are sorted by `at` and then by `id`. */
export interface EventPosition {
  readonly at: number;
  readonly id: string;
}

export function encodeEventCursor({ at, id }: EventPosition): string {
  return Buffer.from(`${at}.${id}`).toString('base64url');
}

/**
 * Parses a cursor.
 *
 * @throws {@link Refusal} BAD_USER_INPUT for a text that {@link encodeEventCursor} did not return
 */
export function decodeEventCursor(cursor: string): EventPosition {
  const text = cursor.length <= 160 ? Buffer.from(cursor, 'base64url').toString() : '';
  const [, at, id] = /^(\d{1,15})\.([A-Za-z0-9_.\-/:]{1,100})$/.exec(text) ?? [];
  if (at === undefined || id === undefined) {
    throw badInput(['after'], 'Invalid cursor. Use endCursor of the previous page.');
  }
  return { at: Number(at), id };
}
