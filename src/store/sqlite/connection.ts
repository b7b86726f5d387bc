import Database from 'libsql';
import { NotWritten, StoreUnavailable, Unacknowledged } from '../errors.js';
import { isLocked, isUnsure, LOCKED, translated } from './errors.js';

export type Value = string | number | null;
export type Params = Readonly<Record<string, Value>>;

/** A statement prepared once. Its parameters are named: `$id` in the text, `id` in the object. */
export interface Statement<Row> {
  /** Reads. */
  all(params: Params): Row[];
  /** Reads the first row; null where there is none. */
  one(params: Params): Row | null;
  /** Writes. @returns how many rows were changed. */
  run(params: Params): number;
  /** Writes one row at most and returns it as the RETURNING clause says; null where none was written. */
  returning(params: Params): Row | null;
}

/** Called around each write. Whatever it throws, the write throws. */
export interface Watch {
  /** Called before and after each transaction. */
  check(): number;
  /** Called after each transaction with what `check` returned. */
  written(walBytes: number): void;
  /** Called if a write has to wait for another program's lock. */
  waiting?(): void;
}

/** How long SQLite itself waits for a lock before this module looks at its own limit, in ms. */
const ONE_WAIT = 100;

/**
 * One connection to the database file, with the driver's errors translated and its traps closed:
 * - its get() after a failure answers for the parameters of the failed call, so that one key could be taken for another:
 *   it is never called;
 * - a write that meets a lock stays under way, and from then on no transaction can be committed: every write is made in a
 *   transaction, so that the lock is met at BEGIN;
 * - its run() on a RETURNING statement leaves that under way too: there is returning() for it;
 * - a boolean bound to a parameter aborts the process, NaN becomes NULL (for an end that is "never"), and a string is cut
 *   at its first NUL, so that two different ids could meet: all three are refused before they reach the driver;
 * - statements outlive close(), and to ask a closed connection for its state aborts the process: here everything after
 *   close() is StoreUnavailable.
 */
export class Connection {
  readonly #db: Database.Database;
  #open = true;
  #watch: Watch | null = null;
  #writeFault: NotWritten | null = null;
  /** Whether a transaction that writes is under way, or is to begin. */
  #isWriting = false;
  /** How long the next write may wait for another program's lock, in ms. */
  patience: number;

  /** @param busyTimeout how long a statement waits for another program's lock, in ms. */
  constructor(file: string, busyTimeout: number) {
    this.#db = new Database(file, { timeout: Math.min(busyTimeout, ONE_WAIT) });
    this.patience = busyTimeout;
  }

  /** Prepares a statement when it is first used: each thread uses some of them only. */
  prepare<Row = never>(sql: string): Statement<Row> {
    let statement: Database.Statement<Params> | null = null;
    const prepared = (): Database.Statement<Params> => (statement ??= this.#db.prepare<Params>(sql));
    const all = (params: Params): Row[] => this.#do(() => prepared().all(checked(params)) as Row[]);
    return {
      all,
      one: (params) => all(params)[0] ?? null,
      run: (params) => this.transaction(() => this.#do(() => prepared().run(checked(params)).changes)),
      returning: (params) => this.transaction(() => all(params)[0] ?? null),
    };
  }

  exec(sql: string): void {
    this.#do(() => this.#db.exec(sql));
  }

  /** The single value that a pragma answers. */
  pragma(text: string): unknown {
    const row = this.prepare<Record<string, unknown>>(`PRAGMA ${text}`).one({});
    return row === null ? undefined : Object.values(row)[0];
  }

  /**
   * Runs `work` in one transaction that holds the write lock from the start: what it reads cannot change before it
   * writes, and it never fails half-way because another process wrote first. Within a transaction, a part of it.
   */
  transaction<T>(work: () => T): T {
    if (this.#open && this.#db.inTransaction) return work();
    this.#watch?.check();
    const result = this.#committed(work);
    // What was written to a file that has gone must not be acknowledged.
    if (this.#watch !== null) this.#watch.written(this.#watch.check());
    return result;
  }

  #committed<T>(work: () => T): T {
    this.#isWriting = true;
    try {
      this.#begin();
      const result = work();
      this.#commit();
      this.#writeFault = null;
      return result;
    } catch (error) {
      if (error instanceof NotWritten) this.#writeFault = error;
      // SQLite itself rolls back on some errors (a full disk, for one).
      this.rollback();
      throw error;
    } finally {
      this.#isWriting = false;
    }
  }

  #commit(): void {
    try {
      this.exec('COMMIT');
    } catch (error) {
      if (!(error instanceof NotWritten && isUnsure(error.cause))) throw error;
      this.#writeFault = error;
      throw new Unacknowledged(error.cause, error.reason, 'The store did not confirm a change.', error.remedy);
    }
  }

  /** Takes the write lock. Waits for it in short steps, so that a caller learns that it waits. */
  #begin(): void {
    const end = performance.now() + this.patience;
    for (;;) {
      try {
        this.exec('BEGIN IMMEDIATE');
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailable && isLocked(error.cause))) throw error;
        if (performance.now() >= end) throw new NotWritten(error.cause, LOCKED);
        this.#watch?.waiting?.();
      }
    }
  }

  /** Ends a transaction without its changes, if one is under way. */
  rollback(): void {
    if (this.#open && this.#db.inTransaction) this.#db.exec('ROLLBACK');
  }

  /** Takes the write lock and gives it back. @throws NotWritten if another program holds it */
  tryLock(): void {
    this.#begin();
    this.exec('ROLLBACK');
  }

  /** Why the latest write failed; null if it was made. */
  get writeFault(): NotWritten | null {
    return this.#writeFault;
  }

  /** Has `watch` called around each write from now on. */
  watchWrites(watch: Watch): void {
    this.#watch = watch;
  }

  /**
   * A transaction that does not wait for the disk, for which all other writes would wait: the end of a process loses
   * nothing of it, a loss of power may. For what is gathered in memory before, and is lost with that as well.
   */
  swiftly<T>(work: () => T): T {
    this.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.transaction(work);
    } finally {
      this.exec('PRAGMA synchronous = FULL');
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#db.close();
  }

  #do<T>(call: () => T): T {
    if (!this.#open) throw new StoreUnavailable(new Error('The store is closed.'));
    try {
      return call();
    } catch (error) {
      throw translated(error, this.#isWriting);
    }
  }
}

function checked(params: Params): Params {
  for (const [name, value] of Object.entries<unknown>(params)) {
    const fit =
      value === null ||
      (typeof value === 'string' && !value.includes('\0')) ||
      (typeof value === 'number' && Number.isSafeInteger(value));
    if (!fit) throw new RangeError(`${name} is neither null, nor text without NUL, nor an integer.`);
  }
  return params;
}
