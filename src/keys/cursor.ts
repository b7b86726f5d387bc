import { badInput } from '../refusals/refusal.js';

/** Where a page of keys ends: the order is by `createdAt` and then `id`. */
export interface KeyPosition {
  readonly createdAt: number;
  readonly id: string;
}

export function encodeCursor({ createdAt, id }: KeyPosition): string {
  return Buffer.from(`${createdAt}.${id}`).toString('base64url');
}

/** @throws Refusal BAD_USER_INPUT for anything that {@link encodeCursor} did not make */
export function decodeCursor(cursor: string): KeyPosition {
  const text = cursor.length <= 100 ? Buffer.from(cursor, 'base64url').toString() : '';
  const [, createdAt, id] = /^(\d{1,15})\.((?:key|conf)_[0-9A-Za-z]{1,32})$/.exec(text) ?? [];
  if (createdAt === undefined || id === undefined) {
    throw badInput(['after'], 'The cursor is none of ours. Take endCursor of the page before, as it stands.');
  }
  return { createdAt: Number(createdAt), id };
}
