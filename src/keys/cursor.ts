import { badInput } from '../refusals/refusal.js';
import type { IdKind } from './minter.js';

/** Of what a page may consist: `conf` for keys that stand in the configuration. */
type Kind = IdKind | 'conf';

/** Where a page ends: the order is by `createdAt` and then `id`. */
export interface Position {
  readonly createdAt: number;
  readonly id: string;
}

export function encodeCursor({ createdAt, id }: Position): string {
  return Buffer.from(`${createdAt}.${id}`).toString('base64url');
}

/** @throws Refusal BAD_USER_INPUT for anything that {@link encodeCursor} did not make */
export function decodeCursor(cursor: string, ...kinds: readonly [Kind, ...Kind[]]): Position {
  const text = cursor.length <= 100 ? Buffer.from(cursor, 'base64url').toString() : '';
  const [, createdAt, id] = /^(-?\d{1,15})\.([a-z]+_[0-9A-Za-z]{1,32})$/.exec(text) ?? [];
  if (createdAt === undefined || id === undefined || !kinds.some((kind) => id.startsWith(`${kind}_`))) {
    throw badInput(['after'], 'Invalid cursor. Use endCursor of the previous page.');
  }
  return { createdAt: Number(createdAt), id };
}
