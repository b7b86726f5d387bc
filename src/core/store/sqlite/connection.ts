import Database from 'libsql';
import { NotWritten, StoreUnavailable, Unacknowledged } from '../storeErrors.js';
import { isLocked, isUnsure, LOCKED, translated } from './driverErrors.js';

type Value = string | number | null;
export type Params = Readonly<Record<string, Value>>;

/** A statement that is prepared once. It has named parameters: `$id` in the text, `id` in the object. */
export interface Statement<Row> {
  /** Reads all rows. */
  all(params: Params): Row[];
  /** Reads the first row; null if there is none. */
  one(params: Params): Row | null;
  /**
   * Writes.
   *
   * @returns the number of changed rows
   */
  run(params: Params): number;
  /** Writes at most one row and returns the values of its RETURNING clause; null if no row was written. */
  returning(params: Params): Row | null;
}

/** Called around each write. If it throws, the write throws the same error. */
interface Watch {
  /** Called before and after each transaction. */
  check(): number;
  /** Called after each transaction with the result of `check`. */
  written(walBytes: number): void;
  /** Called if a write has to wait for another program's lock. */
  waiting?(): void;
}

/** How long SQLite itself waits for a lock before this module checks its own limit, in ms. */
const ONE_WAIT = 100;

/**
 * A connection to the database file. Translates the driver's errors and avoids its pitfalls:
 * - after a failure, the driver's get() uses the parameters of the failed call, so that one key could be mistaken for
 *   another: it is never called;
 * - a write that meets a lock stays active, and from then on no transaction can be committed: every write runs in a
 *   transaction, so that the lock is met at BEGIN;
 * - the driver's run() leaves a RETURNING statement active, too: use returning() for it;
 * - a boolean parameter aborts the process, NaN becomes NULL (an end of NULL means "never"), and a string is cut at its
 *   first NUL, so that two different IDs could become equal: all three are rejected before they reach the driver;
 * - statements survive close(), and reading the state of a closed connection aborts the process: here everything after
 *   close() throws StoreUnavailable.
 */
export class Connection {
  readonly #db: Database.Database;
  #open = true;
  #watch: Watch | null = null;
  #writeFault: NotWritten | null = null;
  /** Whether a write transaction is running or starting. */
  #isWriting = false;
  /** How long the next write may wait for another program's lock, in ms. */
  patience: number;

  /** @param busyTimeout how long a statement waits for another program's lock, in ms. */
  constructor(file: string, busyTimeout: number) {
    this.#db = new Database(file, { timeout: Math.min(busyTimeout, ONE_WAIT) });
    this.patience = busyTimeout;
  }

  /** Prepares a statement when it is first used, because each thread uses only some of them. */
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

  /** Returns the single value of a pragma. */
  pragma(text: string): unknown {
    const row = this.prepare<Record<string, unknown>>(`PRAGMA ${text}`).one({});
    return row === null ? undefined : Object.values(row)[0];
  }

  /**
   * Runs `work` in one transaction that has the write lock from the start: the data that it reads cannot change before
   * it writes, and it never fails half-way because another process wrote first. Inside a transaction, the write becomes part of it.
   */
  transaction<T>(work: () => T): T {
    if (this.#open && this.#db.inTransaction) return work();
    this.#watch?.check();
    const result = this.#committed(work);
    // A write to a deleted file must not be acknowledged.
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
      // SQLite has already rolled back after some errors, such as a full disk.
      this.rollback();
      throw error;
    } finally {
      this.#isWriting = false;
    }
  }

  /**
   * Runs several transactions in one, so that they wait for the disk once. Nothing else may use the connection in the meantime, so
   * `work` must not wait for anything except these transactions.
   *
   * @returns the result of `work`; null if nothing was written, because one of them failed or the commit did
   * @throws Unacknowledged if the commit was not confirmed, NotWritten if another program has the lock, or the error of the
   * callback after the commit
   */
  async together<T extends object>(work: () => Promise<T>): Promise<T | null> {
    const result = await this.#committedTogether(work);
    if (result !== null && this.#watch !== null) this.#watch.written(this.#watch.check());
    return result;
  }

  async #committedTogether<T>(work: () => Promise<T>): Promise<T | null> {
    this.#isWriting = true;
    try {
      this.#watch?.check();
      this.#begin();
      const result = await work();
      this.#commit();
      this.#writeFault = null;
      return result;
    } catch (error) {
      this.rollback();
      if (error instanceof Unacknowledged) throw error;
      if (error instanceof NotWritten && error.reason === LOCKED) {
        this.#writeFault = error;
        throw error;
      }
      return null;
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

  /** Takes the write lock. Waits in short steps, so that it can report that it waits. */
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

  /** Rolls the current transaction back, if there is one. */
  rollback(): void {
    if (this.#open && this.#db.inTransaction) this.#db.exec('ROLLBACK');
  }

  /**
   * Takes the write lock and releases it.
   *
   * @throws NotWritten if another program has the lock
   */
  tryLock(): void {
    this.#begin();
    this.exec('ROLLBACK');
  }

  /** The error of the latest write; null if it succeeded. */
  get writeFault(): NotWritten | null {
    return this.#writeFault;
  }

  /** Sets callbacks for each write. */
  watchWrites(watch: Watch): void {
    this.#watch = watch;
  }

  /**
   * Runs a transaction that does not wait for the disk, because all other writes would have to wait, too. It survives
   * the end of the process, but perhaps not a loss of power. For data that is first collected in memory, and could be lost there too.
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
