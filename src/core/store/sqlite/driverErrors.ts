import Database from 'libsql';
import { Duplicate, NotWritten, StoreUnavailable } from '../storeErrors.js';

/** The reason that /readyz returns after SQLite has found damage. */
export const DAMAGED = 'the database file is damaged';

const RESTORE = 'Stop the server and restore a backup: docs/how-to/damaged-database.md.';

/** The driver's codes for faults of the disk and the file, and their descriptions for operators. */
const FAULTS: readonly (readonly [code: string, reason: string, remedy: string])[] = [
  ['SQLITE_FULL', 'the disk of the store is full', 'Free some space on it.'],
  [
    'SQLITE_READONLY',
    'the store is read-only',
    'Mount its file system read-write, and give this process write permission for the directory and its files.',
  ],
  // The file or its log ends before a page that must be there.
  ['SQLITE_IOERR_SHORT_READ', DAMAGED, RESTORE],
  ['SQLITE_IOERR', 'the disk of the store reports an error', 'Check the disk, its quota and its file system.'],
  [
    'SQLITE_CANTOPEN',
    'a file of the store cannot be opened',
    'Check the directory, its permissions, and how many files this process may open.',
  ],
  ['SQLITE_CORRUPT', DAMAGED, RESTORE],
  ['SQLITE_NOTADB', DAMAGED, RESTORE],
];

/** Returns whether the disk failed after all data was sent to it, so that the change may exist after a crash. */
export function isUnsure(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_IOERR_FSYNC';
}

/** The reason that /readyz returns while another program blocks writes. */
export const LOCKED = 'another program holds the write lock of the store';

/** Returns whether an operation failed because of another program's lock. */
export function isLocked(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(error.code);
}

/** Returns whether SQLite reported a damaged file. */
export function isDamage(error: unknown): error is Error {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CORRUPT');
}

/**
 * Returns the error that callers see instead of the driver's error. A violated schema constraint other than uniqueness is a
 * bug of the calling code, not a fault of the engine, and must not look like an outage.
 *
 * @param isChange whether it happened in a write transaction, which was rolled back
 */
export function translated(error: unknown, isChange: boolean): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (error.code === 'SQLITE_CONSTRAINT_UNIQUE' || error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return new Duplicate(valueOf(/failed: (.+)$/.exec(error.message)?.[1] ?? ''), error);
  }
  // The datatype constraint has no name in the driver's table of codes. The low byte of each constraint's code equals SQLITE_CONSTRAINT.
  if (((error.rawCode ?? 0) & 0xff) === 19) {
    return new Error(`The record breaks a rule of the schema: ${error.message}`, { cause: error });
  }
  const [, reason, remedy] = FAULTS.find(([code]) => error.code.startsWith(code)) ?? [];
  if (reason === undefined) return new StoreUnavailable(error);
  return isChange
    ? new NotWritten(error, reason, remedy)
    : new StoreUnavailable(error, reason, 'The store could not read its file.', remedy);
}

/** Returns the name of a value in the interface (`key.lookupId`), for the columns that SQLite names (`keys.lookupId`). */
function valueOf(columns: string): string {
  const [, record, field] = /(\w+?)s?\.(\w+)$/.exec(columns) ?? [];
  return field === undefined ? columns : `${record}.${field}`;
}
