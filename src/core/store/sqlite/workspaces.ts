import { tierChanged, workspaceCreated } from '../entries.js';
import type { WorkspaceRecord } from '../records.js';
import type { WorkspaceStore } from '../store.js';
import type { Audit } from './audit.js';
import type { Connection } from './connection.js';
import type { SqliteKeys } from './keys.js';

const COLUMNS = 'id, name, tier, createdAt';
const VALUES = '$id, $name, $tier, $createdAt';

export function openWorkspaces(connection: Connection, keys: SqliteKeys, audit: Audit): WorkspaceStore {
  const insert = connection.prepare(`INSERT INTO workspaces (${COLUMNS}) VALUES (${VALUES})`);
  const ensure = connection.prepare(
    `INSERT INTO workspaces (${COLUMNS}) VALUES (${VALUES}) ON CONFLICT (id) DO NOTHING`,
  );
  const find = connection.prepare<WorkspaceRecord>(`SELECT ${COLUMNS} FROM workspaces WHERE id = $id`);
  const list = connection.prepare<WorkspaceRecord>(
    `SELECT ${COLUMNS} FROM workspaces WHERE createdAt >= 0 ORDER BY createdAt, id LIMIT $first`,
  );
  const setTier = connection.prepare('UPDATE workspaces SET tier = $tier WHERE id = $id');

  return {
    async create(workspace, firstKey, author) {
      return connection.transaction(() => {
        if (keys.forfeitOf(firstKey, author) !== null) return 'authorEnded';
        insert.run(params(workspace));
        keys.add(firstKey);
        audit.add(workspaceCreated(workspace, firstKey.id, author));
        return 'created';
      });
    },
    async ensure(workspace) {
      return connection.transaction(() => {
        if (ensure.run(params(workspace)) === 0) return 'existed';
        audit.add(workspaceCreated(workspace, null, undefined));
        return 'created';
      });
    },
    async find(id) {
      return find.one({ id });
    },
    async list(first) {
      return list.all({ first });
    },
    async setTier(id, tier, now, author) {
      return connection.transaction(() => {
        const before = find.one({ id });
        if (before === null || before.tier === tier) return before;
        if (keys.judgedForfeit(author) !== null) return 'authorEnded';
        const after = { ...before, tier };
        setTier.run({ id, tier });
        audit.add(tierChanged(before, after, { at: now, author }));
        return after;
      });
    },
  };
}

function params({ id, name, tier, createdAt }: WorkspaceRecord) {
  return { id, name, tier, createdAt };
}
