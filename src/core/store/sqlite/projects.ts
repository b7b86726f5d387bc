import { projectCreated, projectRenamed } from '../entries.js';
import { pick, PROJECT_FIELDS } from '../fields.js';
import type { ProjectRecord } from '../records.js';
import type { ProjectStore } from '../store.js';
import type { Audit } from './audit.js';
import type { Connection } from './connection.js';

const COLUMNS = PROJECT_FIELDS.join(', ');

export function openProjects(connection: Connection, audit: Audit): ProjectStore {
  const insert = connection.prepare(
    `INSERT INTO projects (${COLUMNS}) VALUES (${PROJECT_FIELDS.map((field) => `$${field}`).join(', ')})`,
  );
  const find = connection.prepare<ProjectRecord>(`SELECT ${COLUMNS} FROM projects WHERE id = $id`);
  const findMany = connection.prepare<ProjectRecord>(
    `SELECT ${COLUMNS} FROM projects WHERE id IN (SELECT value FROM json_each($ids))`,
  );
  const list = connection.prepare<ProjectRecord>(
    `SELECT ${COLUMNS} FROM projects WHERE workspaceId = $workspaceId AND (createdAt, id) > ($createdAt, $id)
     ORDER BY createdAt, id LIMIT $first`,
  );
  const rename = connection.prepare('UPDATE projects SET name = $name WHERE id = $id');

  return {
    async create(project, author) {
      connection.transaction(() => {
        insert.run(pick(project, PROJECT_FIELDS));
        audit.add(projectCreated(project, author));
      });
    },
    async find(id) {
      return find.one({ id });
    },
    async findMany(ids) {
      return findMany.all({ ids: JSON.stringify(ids) });
    },
    async list(workspaceId, { first, after }) {
      const { createdAt, id } = after ?? { createdAt: -1, id: '' };
      return list.all({ workspaceId, first, createdAt, id });
    },
    async rename(id, workspaceId, name, occasion) {
      return connection.transaction(() => {
        const before = find.one({ id });
        if (before?.workspaceId !== workspaceId) return null;
        if (before.name === name) return before;
        const after = { ...before, name };
        rename.run({ id, name });
        audit.add(projectRenamed(before, after, occasion));
        return after;
      });
    },
  };
}
