import { badInput } from '../../core/errors/refusal.js';
import type { IdKind } from '../../core/keys/minter.js';

/** The kinds of IDs that a cursor may contain. `conf`: a key of the configuration file. */
type Kind = IdKind | 'conf';

/** The last item of a page. Items are ordered by `createdAt`, then by `id`. */
export interface Position {
  readonly createdAt: number;
  readonly id: string;
}

/** Returns the cursor of a position. Clients treat it as opaque. */
export function encodeCursor({ createdAt, id }: Position): string {
  return Buffer.from(`${createdAt}.${id}`).toString('base64url');
}

/** Parses a cursor. @throws Refusal BAD_USER_INPUT if {@link encodeCursor} did not create it for one of the kinds */
export function decodeCursor(cursor: string, ...kinds: readonly [Kind, ...Kind[]]): Position {
  const text = cursor.length <= 100 ? Buffer.from(cursor, 'base64url').toString() : '';
  const [, createdAt, id] = /^(-?\d{1,15})\.([a-z]+_[0-9A-Za-z]{1,32})$/.exec(text) ?? [];
  if (createdAt === undefined || id === undefined || !kinds.some((kind) => id.startsWith(`${kind}_`))) {
    throw badInput(['after'], 'Invalid cursor. Use endCursor of the previous page.');
  }
  return { createdAt: Number(createdAt), id };
}
