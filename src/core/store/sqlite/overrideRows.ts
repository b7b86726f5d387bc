import { OVERRIDE_FIELDS } from '../fields.js';
import type { LimitOverride, OverrideSubject } from '../records.js';
import type { Connection } from './connection.js';

export const COLUMNS = OVERRIDE_FIELDS.join(', ');

/** Returns the overrides of several subjects of a workspace. */
export type FindOverrides = (workspaceId: string, subjects: readonly OverrideSubject[]) => readonly LimitOverride[];

/** Separate from the other operations, because keys need it, and those need keys. */
export function findingOverrides(connection: Connection): FindOverrides {
  const find = connection.prepare<LimitOverride>(
    `SELECT ${COLUMNS} FROM limitOverrides
     WHERE workspaceId = $workspaceId AND kind = $kind AND subjectId = $subjectId`,
  );
  return (workspaceId, subjects) =>
    subjects.flatMap(({ kind, subjectId }) => find.one({ workspaceId, kind, subjectId }) ?? []);
}
