import { userAmendment, userRemoval, type UserRule } from '../changes.js';
import type { Occasion } from '../audit.js';
import { userAdded, userChanged } from '../entries.js';
import { pick, USER_FIELDS } from '../fields.js';
import type { UserRecord } from '../records.js';
import type { UserStore } from '../store.js';
import type { Audit } from './audit.js';
import type { Connection, Params } from './connection.js';
import type { SqliteKeys } from './keys.js';
import { COLUMNS, toRecord, type FindUser, type UserRow } from './userRows.js';

export function openUsers(
  connection: Connection,
  audit: Audit,
  find: FindUser,
  keys: Pick<SqliteKeys, 'judgedForfeit'>,
): UserStore {
  const insert = connection.prepare(
    `INSERT INTO users (${COLUMNS}) VALUES (${USER_FIELDS.map((field) => `$${field}`).join(', ')})`,
  );
  const findMany = connection.prepare<UserRow>(
    `SELECT ${COLUMNS} FROM users WHERE id IN (SELECT value FROM json_each($ids))`,
  );
  const list = connection.prepare<UserRow>(
    `SELECT ${COLUMNS} FROM users
     WHERE workspaceId = $workspaceId AND removedAt IS NULL AND (createdAt, id) > ($createdAt, $id)
     ORDER BY createdAt, id LIMIT $first`,
  );
  const rewrite = connection.prepare(
    'UPDATE users SET name = $name, roles = $roles, externalId = $externalId, removedAt = $removedAt WHERE id = $id',
  );

  const change = (
    id: string,
    workspaceId: string,
    rule: UserRule,
    occasion: Occasion,
  ): UserRecord | 'moved' | 'authorEnded' | null =>
    connection.transaction(() => {
      const before = find(id);
      const patched = before?.workspaceId === workspaceId ? rule(before) : null;
      if (before === null || patched === null) return null;
      if (patched === 'moved') return patched;
      const after = { ...before, ...patched };
      if (Object.keys(patched).length === 0) return before;
      if (keys.judgedForfeit(occasion.author) !== null) return 'authorEnded';
      rewrite.run(params(after));
      audit.add(userChanged(before, after, occasion));
      return after;
    });

  return {
    async add(user, author) {
      connection.transaction(() => {
        insert.run(params(user));
        audit.add(userAdded(user, author));
      });
    },
    async find(id) {
      return find(id);
    },
    async findMany(ids) {
      return findMany.all({ ids: JSON.stringify(ids) }).map(toRecord);
    },
    async list(workspaceId, { first, after }) {
      const { createdAt, id } = after ?? { createdAt: -1, id: '' };
      return list.all({ workspaceId, first, createdAt, id }).map(toRecord);
    },
    async update(id, workspaceId, amended, { judged, ...occasion }) {
      return change(id, workspaceId, userAmendment(amended, judged), occasion);
    },
    async remove(id, workspaceId, { judged, ...occasion }) {
      return change(id, workspaceId, userRemoval(occasion.at, judged), occasion);
    },
  };
}

function params(user: UserRecord): Params {
  return { ...pick(user, USER_FIELDS), roles: JSON.stringify(user.roles) };
}
