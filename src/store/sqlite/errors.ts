import Database from 'libsql';
import { Duplicate, NotWritten, StoreUnavailable } from '../errors.js';

const RESTORE = 'Stop the server and restore a backup: docs/stores.md#damaged-files.';

/** SQLite names the column (`keys.lookupId`), the interface the thing (`key.lookupId`). */
const WHAT: Readonly<Record<string, string>> = {
  'keys.id': 'key.id',
  'keys.lookupId': 'key.lookupId',
  'workspaces.id': 'workspace.id',
  'alerts.id': 'alert.id',
  'projects.id': 'project.id',
  'projects.workspaceId, projects.name': 'project.name',
  'users.id': 'user.id',
  'audit.id': 'audit.id',
};

/** The driver's codes for faults of the disk and the file, and what they say to whoever runs the server. */
const FAULTS: readonly (readonly [code: string, reason: string, remedy: string])[] = [
  ['SQLITE_FULL', 'the disk of the store is full', 'Make room on it.'],
  [
    'SQLITE_READONLY',
    'the store is read-only',
    'Mount its file system for writing, and let this process write the directory and its files.',
  ],
  ['SQLITE_IOERR', 'the disk of the store reports an error', 'Check the disk, its quota and its file system.'],
  [
    'SQLITE_CANTOPEN',
    'a file of the store cannot be opened',
    'Check the directory, its permissions, and how many files this process may open.',
  ],
  ['SQLITE_CORRUPT', 'the database file is damaged', RESTORE],
  ['SQLITE_NOTADB', 'the database file is damaged', RESTORE],
];

/** Whether the disk failed after everything was sent to it, so that the change may be there after a crash. */
export function isUnsure(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_IOERR_FSYNC';
}

/** What /readyz says while another program keeps writes waiting. */
export const LOCKED = 'another program holds the write lock of the store';

/** Whether another program's lock was in the way. */
export function isLocked(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(error.code);
}

/** Whether SQLite found the file damaged. */
export function isDamage(error: unknown): error is Error {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CORRUPT');
}

/**
 * The error that callers see in place of the driver's. A broken rule of the schema other than uniqueness is a fault of the
 * calling code, not of the engine, and must not look like an outage.
 *
 * @param isChange whether it was met in a transaction that writes, of which nothing remains
 */
export function translated(error: unknown, isChange: boolean): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (error.code === 'SQLITE_CONSTRAINT_UNIQUE' || error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    const column = /failed: (.+)$/.exec(error.message)?.[1] ?? '';
    return new Duplicate(WHAT[column] ?? column, error);
  }
  // The datatype constraint has no name in the driver's table of codes; the low byte is SQLITE_CONSTRAINT's in all of them.
  if (((error.rawCode ?? 0) & 0xff) === 19) {
    return new Error(`The record breaks a rule of the schema: ${error.message}`, { cause: error });
  }
  const [, reason, remedy] = FAULTS.find(([code]) => error.code.startsWith(code)) ?? [];
  if (reason === undefined) return new StoreUnavailable(error);
  return isChange
    ? new NotWritten(error, reason, remedy)
    : new StoreUnavailable(error, reason, 'The store could not read its file.', remedy);
}
