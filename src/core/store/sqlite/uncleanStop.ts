import { StoreUnavailable } from '../storeErrors.js';
import type { Connection } from './connection.js';
import { isLocked } from './driverErrors.js';

/** Number of faults of a damaged file that the error repeats. */
const SHOWN = 3;

const REMEDY =
  'Stop every process that uses it, move latchkey.db, latchkey.db-wal and latchkey.db-shm away, and restore a backup (docs/how-to/damaged-database.md)';

/**
 * Checks the whole file if a process had it open and didn't close it.
 *
 * The table `openers` in the file counts these processes. After a crash no process has the file open, so if the count
 * isn't 0, a stop wasn't clean. The count is reset when a check has passed, or a backup replaces the file. Call this
 * while holding {@link StartLock}.
 *
 * @param mayLackCount whether the log contained changes, for files created before there was a count
 * @param onCheck called before the check
 * @throws Error with the damage and a remedy
 */
export function checkAfterUncleanStop(connection: Connection, mayLackCount: boolean, onCheck: () => void): void {
  const hasCount = hasTable(connection);
  if (hasCount ? openersOf(connection) === 0 : !mayLackCount) return;
  if (!beginAlone(connection)) return;
  onCheck();
  refuseDamage(connection);
  if (hasCount) connection.exec('UPDATE openers SET number = 0');
  connection.exec('COMMIT');
  letOthersIn(connection);
}

/**
 * Returns the error for a damaged file, with a remedy.
 *
 * @param found the faults that SQLite reports
 */
export function damage(found: readonly string[]): Error {
  const shown = found.slice(0, SHOWN).map((fault) => fault.trim().replaceAll(/\s+/g, ' '));
  const more = found.length > SHOWN ? ' and more' : '';
  return new Error(`it is damaged (${shown.join('; ')}${more}). ${REMEDY}`);
}

function refuseDamage(connection: Connection): void {
  const check = connection.prepare<{ quick_check: string }>(`PRAGMA quick_check(${SHOWN + 1})`);
  const found = check.all({}).map((row) => row.quick_check);
  if (found.length !== 1 || found[0] !== 'ok') throw damage(found);
}

function hasTable(connection: Connection): boolean {
  const tables = "SELECT name FROM sqlite_schema WHERE name = 'openers'";
  return connection.prepare<{ name: string }>(tables).one({}) !== null;
}

function openersOf(connection: Connection): number {
  return connection.prepare<{ number: number }>('SELECT number FROM openers WHERE id = 1').one({})?.number ?? 0;
}

/** Starts a transaction while no other process has the file open. Returns false if another process has. */
function beginAlone(connection: Connection): boolean {
  connection.exec('PRAGMA locking_mode = EXCLUSIVE');
  try {
    connection.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if (!(error instanceof StoreUnavailable && isLocked(error.cause))) throw error;
    letOthersIn(connection);
    return false;
  }
}

/** The lock is released by the next read. */
function letOthersIn(connection: Connection): void {
  connection.exec('PRAGMA locking_mode = NORMAL');
  connection.pragma('schema_version');
}
