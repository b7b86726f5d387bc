import { USER_FIELDS } from '../fields.js';
import type { UserRecord } from '../records.js';
import type { Connection } from './connection.js';

/** Finds a user by ID, even if removed. */
export type FindUser = (id: string) => UserRecord | null;

export interface UserRow extends Omit<UserRecord, 'roles'> {
  readonly roles: string;
}

export const COLUMNS = USER_FIELDS.join(', ');

/** Separate from the other user operations, because keys need it, and those need keys. */
export function findingUsers(connection: Connection): FindUser {
  const find = connection.prepare<UserRow>(`SELECT ${COLUMNS} FROM users WHERE id = $id`);
  return (id) => {
    const row = find.one({ id });
    return row && toRecord(row);
  };
}

export function toRecord(row: UserRow): UserRecord {
  return { ...row, roles: JSON.parse(row.roles) as string[] };
}
