import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, Statement } from './connection.js';

/** The write-ahead log is written back to the database once it is larger, in bytes. */
export const MAX_WAL_BYTES = 4 * 2 ** 20;

/** How long another process may take for a checkpoint, in ms. */
const PATIENCE = 2_000;

/**
 * Writes the log back to the database, and detects a lost log at the next start.
 *
 * With its log missing, a database looks like an older version of itself, or even empty. The database therefore contains a flag,
 * `walNeeded`: each checkpoint leaves it in the file as 1, and sets it to 0 right afterwards. This 0 is only in the
 * log, so a process that reads 1 doesn't have the log.
 */
export class Checkpoints {
  readonly #connection: Connection;
  readonly #mark: Statement<never>;
  readonly #probe: Statement<never>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#mark = connection.prepare('UPDATE recovery SET walNeeded = $walNeeded WHERE id = 1');
    // As large as the largest change, so that a nearly full disk isn't considered writable because a small write
    // succeeds. Random, because SQLite doesn't write an unchanged row.
    this.#probe = connection.prepare('UPDATE recovery SET probe = randomblob(65536) WHERE id = 1');
  }

  /**
   * Writes the log back and starts a new one. Waits for readers only as long as for any lock; the rest is written back
   * next time.
   *
   * @returns whether a new log was started
   */
  run(): boolean {
    this.#mark.run({ walNeeded: 1 });
    const isNew = this.#truncate();
    this.#mark.run({ walNeeded: 0 });
    return isNew;
  }

  /** Counts this process as one that has the file open, until {@link finish}. */
  begin(): void {
    this.#connection.prepare('UPDATE openers SET number = number + 1 WHERE id = 1').run({});
    this.run();
  }

  /** Writes everything back, so that the database file is complete without its log. */
  finish(): void {
    this.#connection.prepare('UPDATE openers SET number = max(number - 1, 0) WHERE id = 1').run({});
    this.#truncate();
  }

  /**
   * Checks that the store can be written to.
   *
   * @throws StoreUnavailable
   */
  probe(): void {
    this.#probe.run({});
  }

  #truncate(): boolean {
    // The first value of the result is whether a lock prevented the checkpoint.
    return this.#connection.pragma('wal_checkpoint(TRUNCATE)') === 0;
  }
}

/**
 * Rejects a database that has lost its write-ahead log.
 *
 * @param hadWal whether the log existed before the database was opened
 * @throws Error with a remedy
 */
export async function refuseLostWal(connection: Connection, hadWal: boolean): Promise<void> {
  if (hadWal) return;
  const marks = connection.prepare<{ walNeeded: number }>('SELECT walNeeded FROM recovery WHERE id = 1');
  const end = Date.now() + PATIENCE;
  // Another process that has just created the log may be in the middle of a checkpoint.
  while (marks.one({})?.walNeeded === 1) {
    if (Date.now() >= end) {
      throw new Error(
        'its -wal file is missing, and the latest changes with it. Restore both files from the same backup. To continue without those changes, create an empty -wal file next to it',
      );
    }
    await delay(50);
  }
}

/** Returns whether a database has the table of {@link Checkpoints}. */
export function hasMark(connection: Connection): boolean {
  const tables = connection.prepare<{ name: string }>("SELECT name FROM sqlite_schema WHERE name = 'recovery'");
  return tables.one({}) !== null;
}

/** Returns the size of a database's log in bytes; null if it has none. */
export function walSizeOf(file: string): number | null {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? null;
}
