import type { ForeignScheme } from '../keys/foreign.js';
import type { KeyRecord } from '../store/records.js';

/**
 * Compares a row with an existing key that has its lookup ID. The message may name another workspace, because whoever runs an
 * import has access to the whole store.
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
  if (!isSame) return `${key} is found by the same part of a token. Leave the row out.`;
  if (there.workspaceId === row.workspaceId) return null;
  return `${key} has the same digest, so its token doesn't work in ${row.workspaceId}. Leave the row out, or correct --workspace or owners.`;
}
