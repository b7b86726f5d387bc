import type { ForeignScheme } from '../../core/keys/foreign.js';
import type { KeyRecord } from '../../core/store/records.js';

/**
 * Compares a row with an existing key that has its lookup ID. The message may name another workspace, because anyone who can run an import
 * has access to the whole store.
 *
 * @returns what is wrong; null if the key is the one that the row describes
 */
export function conflictOf(
  there: Pick<KeyRecord, 'id' | 'workspaceId' | 'secretHash'>,
  row: { readonly kept: string; readonly workspaceId: string },
  scheme: ForeignScheme,
): string | null {
  const key = `The key ${there.id} of the workspace ${there.workspaceId}`;
  // A lookup ID of this scheme is derived from the whole digest.
  const isSame = scheme.kind === 'sha256' || there.secretHash === row.kept;
  if (!isSame) return `${key} was imported with another hash, but its tokens begin in the same way. Remove the row.`;
  if (there.workspaceId === row.workspaceId) return null;
  return `${key} has the same digest, so its token doesn't work in ${row.workspaceId}. Remove the row, or correct --workspace or owners.`;
}

/** Returns the problem of a row that has the lookup ID of an earlier row. @param line of the earlier row */
export function repeatedRow(line: number, { kind }: ForeignScheme): string {
  const fault =
    kind === 'sha256'
      ? `The row has the same hash as the row in line ${line}.`
      : `The token of the row begins like the token of the row in line ${line}, so the token doesn't identify one row.`;
  return `${fault} Remove one of them.`;
}
