import { setTimeout as delay } from 'node:timers/promises';
import Database from 'libsql';
import { isLocked } from './driverErrors.js';

/** How long a start waits for another start that checks the same file, in ms. */
const PATIENCE = 60_000;

/** How often it tries, in ms. */
const INTERVAL = 50;

/**
 * Allows only one process at a time to open a store, so that each process knows whether the others have passed the
 * check of the file. The operating system releases the lock if the process is killed.
 */
export class StartLock {
  readonly #db: Database.Database;

  private constructor(db: Database.Database) {
    this.#db = db;
  }

  /**
   * Waits for the lock.
   *
   * @param file an empty file next to the database. SQLite locks it, because Node has no file locks
   * @throws Error if another process has the lock for a minute
   */
  static async take(file: string, patience = PATIENCE): Promise<StartLock> {
    const db = new Database(file);
    try {
      const end = performance.now() + patience;
      while (!isTaken(db)) {
        if (performance.now() >= end) {
          throw new Error(
            'another process has been starting on it for a minute, and may be checking the file. Wait until that one has started, or end it',
          );
        }
        await delay(INTERVAL);
      }
      return new StartLock(db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  giveBack(): void {
    this.#db.exec('ROLLBACK');
    this.#db.close();
  }
}

function isTaken(db: Database.Database): boolean {
  try {
    // In memory, so that a killed process leaves no journal file.
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (isLocked(error)) return false;
    throw error;
  }
}
