import { StoreUnavailable } from '../errors.js';
import type { Connection } from './connection.js';
import { isLocked } from './errors.js';

/** Faults of a damaged file that the error repeats. */
const SHOWN = 3;

const REMEDY =
  'Stop every process that uses it, move latchkey.db, latchkey.db-wal and latchkey.db-shm away, and restore a backup (docs/stores.md#damaged-files)';

/**
 * Checks the whole file if a process that had it open didn't close it.
 *
 * The file counts its processes in the table `openers`. Nobody else has the file open after a crash, so a count other than 0 then
 * means that a stop wasn't clean. It stays until a check has passed, or until a backup takes the place of the file. Call this
 * while {@link StartLock} is held.
 *
 * @param mayLackCount whether the file was left with changes in its log, for files from before there was a count
 * @param onCheck called before the check
 * @throws Error with what is damaged and what to do
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

/** Returns the error for a damaged file, with what to do. @param found what SQLite says of it */
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

/** Begins a transaction in which nobody else has the file open. False: somebody has. */
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

/** The lock is given back with the next read. */
function letOthersIn(connection: Connection): void {
  connection.exec('PRAGMA locking_mode = NORMAL');
  connection.pragma('schema_version');
}
