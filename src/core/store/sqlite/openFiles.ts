import { statSync } from 'node:fs';
import { NotWritten } from '../storeErrors.js';

/**
 * The database file and its write-ahead log, as they were when the store was opened. SQLite continues to write to a
 * file that was deleted or replaced, and those writes are lost when the process ends.
 */
export class OpenFiles {
  readonly #file: string;
  readonly #wal: string;
  readonly #identities: readonly string[];

  /** @param file the path of the database. Its write-ahead log must exist. */
  constructor(file: string) {
    this.#file = file;
    this.#wal = `${file}-wal`;
    this.#identities = [identityOf(this.#file), identityOf(this.#wal)];
  }

  /**
   * Returns the size of the write-ahead log in bytes.
   *
   * @throws NotWritten if one of the files is not the one that was opened
   */
  check(): number {
    try {
      const wal = statSync(this.#wal, { bigint: true });
      const found = [identityOf(this.#file), `${wal.dev} ${wal.ino}`];
      if (found.every((identity, i) => identity === this.#identities[i])) return Number(wal.size);
    } catch (error) {
      throw gone(this.#file, error);
    }
    throw gone(this.#file);
  }
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev} ${ino}`;
}

function gone(file: string, error?: unknown): NotWritten {
  return new NotWritten(
    new Error(
      `${file} or its -wal file was deleted or replaced while the server was running. Nothing is written to it any more.`,
      { cause: error },
    ),
    'the database file was deleted or replaced',
    'Put both files back from one backup, then restart.',
  );
}
