import type { Connection } from './connection.js';

/**
 * The thread in which an operation runs:
 * - `here`: the calling thread. For reads of one record by its index: they take microseconds, a message to another
 *   thread takes longer, and requests wait for them;
 * - `reader`: one of several threads with a read-only connection;
 * - `brief`: like `reader`, but the first ones run in the writer. For reads of one page by an index, as every start makes
 *   some;
 * - `writer`: the thread that writes;
 * - `writerGroup`: the thread that writes. Operations that wait there at the same time share a transaction, so that they
 *   wait for the disk once. For changes that many callers make at the same time. Each must be one transaction and must
 *   not change settings of the connection.
 */
export type Route = 'here' | 'reader' | 'brief' | 'writer' | 'writerGroup';

/** The thread of each operation. */
export type RoutesOf<Parts> = {
  readonly [Part in keyof Parts]: { readonly [Name in keyof Parts[Part]]: Route };
};

/** Further parts of a store, with their own tables in its file. Their operations run in the threads of the store. */
export interface SqliteExtension<Parts extends object> {
  /** The entry of threads that can run these parts, see `threadEntry`. */
  readonly thread: string;
  readonly routes: RoutesOf<Parts>;
  /**
   * Creates or updates the tables. Called at each start with the connection that writes, after the store's own tables are up to date.
   * One process at a time calls it.
   */
  migrate(connection: Connection): void;
  /** Returns the operations on a connection. Each runs to completion in the calling thread. */
  open(connection: Connection): Parts;
}

/** A store with its own parts only. */
export const NO_EXTENSION: SqliteExtension<object> = {
  thread: 'sqliteThread',
  routes: {},
  migrate: () => undefined,
  open: () => ({}),
};
