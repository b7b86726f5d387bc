import type { Audit } from './audit.js';
import type { Connection } from './connection.js';
import type { SqliteKeys } from './keys.js';
import { COLUMNS, type FindOverrides } from './overrideRows.js';
import { limitsChanged } from '../entries.js';
import { OVERRIDE_FIELDS, pick } from '../fields.js';
import { isEmpty, type LimitOverride } from '../records.js';
import type { LimitOverrideStore } from '../store.js';

export function openLimits(
  connection: Connection,
  audit: Audit,
  find: FindOverrides,
  keys: Pick<SqliteKeys, 'judgedForfeit'>,
): LimitOverrideStore {
  const save = connection.prepare(
    `INSERT OR REPLACE INTO limitOverrides (${COLUMNS}) VALUES (${OVERRIDE_FIELDS.map((field) => `$${field}`).join(', ')})`,
  );
  const remove = connection.prepare(
    'DELETE FROM limitOverrides WHERE workspaceId = $workspaceId AND kind = $kind AND subjectId = $subjectId',
  );
  const list = connection.prepare<LimitOverride>(
    `SELECT ${COLUMNS} FROM limitOverrides
     WHERE workspaceId = $workspaceId AND (kind, subjectId) > ($kind, $subjectId)
     ORDER BY kind, subjectId LIMIT $first`,
  );
  return {
    async set(override, entry) {
      return connection.transaction(() => {
        const [before = null] = find(override.workspaceId, [override]);
        if (before === null && isEmpty(override)) return null;
        if (keys.judgedForfeit(entry.author) !== null) return 'authorEnded';
        if (isEmpty(override)) remove.run(pick(override, ['workspaceId', 'kind', 'subjectId']));
        else save.run(pick(override, OVERRIDE_FIELDS));
        audit.add(limitsChanged(before, override, entry));
        return before;
      });
    },
    async findMany(workspaceId, subjects) {
      return find(workspaceId, subjects);
    },
    async list(workspaceId, { first, after }) {
      const { kind, subjectId } = after ?? { kind: '', subjectId: '' };
      return list.all({ workspaceId, first, kind, subjectId });
    },
  };
}
