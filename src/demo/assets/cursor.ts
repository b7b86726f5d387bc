import { badInput } from '../../core/errors/refusal.js';

const CURSOR = /^asset\.(?<name>[A-Za-z0-9_.\-/:]{1,200})$/;

/** Returns the cursor of an asset in a list by name. */
export function encodeAssetCursor({ name }: { readonly name: string }): string {
  return Buffer.from(`asset.${name}`).toString('base64url');
}

/**
 * Returns the name that a cursor stands for.
 *
 * @throws Refusal BAD_USER_INPUT for anything that {@link encodeAssetCursor} did not make
 */
export function decodeAssetCursor(cursor: string): string {
  const text = cursor.length <= 300 ? Buffer.from(cursor, 'base64url').toString() : '';
  const name = CURSOR.exec(text)?.groups?.name;
  if (name === undefined) throw badInput(['after'], 'Invalid cursor. Use endCursor of the previous page.');
  return name;
}
