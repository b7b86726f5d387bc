import type { WorkspaceRecord } from '../records.js';
import type { WorkspaceStore } from '../store.js';
import type { Connection } from './connection.js';
import type { SqliteKeys } from './keys.js';

const COLUMNS = 'id, name, tier, createdAt';
const VALUES = '$id, $name, $tier, $createdAt';

export function openWorkspaces(connection: Connection, keys: SqliteKeys): WorkspaceStore {
  const insert = connection.prepare(`INSERT INTO workspaces (${COLUMNS}) VALUES (${VALUES})`);
  const ensure = connection.prepare(
    `INSERT INTO workspaces (${COLUMNS}) VALUES (${VALUES}) ON CONFLICT (id) DO NOTHING`,
  );
  const find = connection.prepare<WorkspaceRecord>(`SELECT ${COLUMNS} FROM workspaces WHERE id = $id`);
  const list = connection.prepare<WorkspaceRecord>(
    `SELECT ${COLUMNS} FROM workspaces ORDER BY createdAt, id LIMIT $first`,
  );
  const setTier = connection.prepare<WorkspaceRecord>(
    `UPDATE workspaces SET tier = $tier WHERE id = $id RETURNING ${COLUMNS}`,
  );

  return {
    async create(workspace, firstKey) {
      connection.transaction(() => {
        insert.run(params(workspace));
        keys.add(firstKey);
      });
    },
    async ensure(workspace) {
      return ensure.run(params(workspace)) === 1 ? 'created' : 'existed';
    },
    async find(id) {
      return find.one({ id });
    },
    async list(first) {
      return list.all({ first });
    },
    async setTier(id, tier) {
      return setTier.returning({ id, tier });
    },
  };
}

function params({ id, name, tier, createdAt }: WorkspaceRecord) {
  return { id, name, tier, createdAt };
}
