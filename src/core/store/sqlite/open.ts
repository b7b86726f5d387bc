import { closeSync, openSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeDirectory } from '../../../shared/files/makeDirectory.js';
import { checkMilliseconds, checkNames, optionError } from '../../../shared/optionChecks.js';
import { FileFault } from '../../../shared/files/wholeFile.js';
import { aroundStore } from '../around.js';
import { NotWritten, StoreUnavailable } from '../storeErrors.js';
import type { Store } from '../store.js';
import { cannotOpen } from './cannotOpen.js';
import { walSizeOf } from './checkpoints.js';
import { storeOf } from './engine.js';
import { DAMAGED, LOCKED } from './driverErrors.js';
import { NO_EXTENSION, type SqliteExtension } from './extension.js';
import type { ThreadData } from './threadMessages.js';
import { OpenFiles } from './openFiles.js';
import { openReader } from './reader.js';
import { routed } from './routed.js';
import { StoreThread } from './storeThread.js';
import { Threads } from './threads.js';

/** Number of reader threads. They share the disk and the processor with requests, so more would not be faster. */
const READERS = 2;

/** How long an operation waits for a thread, and how long a read may take in total, in ms. */
const QUEUED = 15_000;

/** How long /readyz waits for the check that the store can be written to, in ms. */
const PING = 1_000;

const CLOSE = { part: 'thread', operation: 'close', given: [] } as const;

/**
 * The options of `openSqliteStore`.
 *
 * @example
 * ```ts
 * import { openSqliteStore, type SqliteOptions } from 'latchkey';
 *
 * const options: SqliteOptions = { dir: './data', busyTimeout: 10_000 };
 * export const store = await openSqliteStore(options);
 * ```
 */
export interface SqliteOptions {
  /** The directory of the database file `latchkey.db`. Created with mode 0700 if it does not exist. */
  readonly dir: string;
  /**
   * How long a write waits for another process before it fails with StoreUnavailable, in ms.
   *
   * @default 5000
   */
  readonly busyTimeout?: number;
}

/**
 * Opens the embedded engine: one file, which several processes on one machine can share.
 *
 * @throws TypeError for an invalid option; CannotOpen that names the file or the directory, and a remedy
 * @example
 * ```ts
 * import { openSqliteStore } from 'latchkey';
 *
 * export const store = await openSqliteStore({ dir: './data' });
 * ```
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  return openSqlite(options);
}

export interface OpenSqliteOptions<Parts extends object> {
  /** Called with a sentence about each slow step. */
  readonly tell?: ((message: string) => void) | undefined;
  /** Further parts of the store. */
  readonly extension?: SqliteExtension<Parts> | undefined;
}

/** Opens the embedded engine as {@link openSqliteStore} does, with additional parts. */
export async function openSqlite<Parts extends object = object>(
  options: SqliteOptions,
  { tell, extension }: OpenSqliteOptions<Parts> = {},
): Promise<Store & Parts> {
  checkNames('openSqliteStore', options, ['dir', 'busyTimeout']);
  const { dir, busyTimeout = 5000 } = options;
  if (typeof dir !== 'string' || dir === '' || dir.includes('\0')) {
    throw optionError('openSqliteStore: dir', dir, 'the path of a directory');
  }
  checkMilliseconds('openSqliteStore: busyTimeout', busyTimeout, 0);
  const file = join(dir, 'latchkey.db');
  try {
    makeDirectory(dir, 0o700);
    refuseLostDatabase(file);
    createPrivate(file);
    createPrivate(`${file}-start`);
  } catch (error) {
    throw cannotOpen(dir, file, error);
  }
  const checking = (): void => tell?.(checkingLine(file));
  const further: SqliteExtension<object> = extension ?? NO_EXTENSION;
  const start = (role: ThreadData['role']): StoreThread =>
    new StoreThread({ role, dir, file, busyTimeout }, further.thread, checking);
  const writer = start('writer');
  try {
    await writer.opened;
  } catch (error) {
    // Ends the thread and with it the connection. The next attempt would mistake it for one of a running process.
    await writer.end();
    throw error;
  }
  writer.unref();
  try {
    return assembled({ file, busyTimeout, start, extension: further }, writer) as Store & Parts;
  } catch (error) {
    await writer.end();
    throw error;
  }
}

interface Assembly {
  readonly file: string;
  readonly busyTimeout: number;
  readonly start: (role: ThreadData['role']) => StoreThread;
  readonly extension: SqliteExtension<object>;
}

/** Returns the store, with the parts of its extension. @param first the writer, which is running */
function assembled({ file, busyTimeout, start, extension }: Assembly, first: StoreThread): Store {
  const times = { queued: QUEUED, patience: busyTimeout };
  const writer = new Threads({ ...times, start: () => start('writer'), most: 1, limit: null });
  writer.adopt(first);
  const readers = new Threads({ ...times, start: () => start('reader'), most: READERS, limit: QUEUED });
  // Does not wait for locks, because that would block all requests.
  const here = openReader(file, 0, extension);
  const files = new OpenFiles(file);
  const changes = here.connection.prepare<{ number: number }>('SELECT number FROM changes');
  let asked: Promise<unknown> | null = null;
  const askWriter = (): Promise<unknown> =>
    (asked ??= writer.ask('', { part: 'thread', operation: 'ping', given: [] }).finally(() => (asked = null)));
  /** The first error that reported a damaged file. Other pages of the file may be intact, so a ping may succeed. */
  let damage: StoreUnavailable | null = null;
  const noting = async <T>(_name: string, operation: () => Promise<T>): Promise<T> => {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof StoreUnavailable && error.reason === DAMAGED) damage ??= error;
      throw error;
    }
  };
  const store: Store = {
    ...storeOf(routed({ here: here.engine, readers, writer, limit: QUEUED }, extension.routes)),
    version() {
      try {
        return changes.one({})?.number ?? null;
      } catch {
        // Temporarily locked, or closed.
        return null;
      }
    },
    async ping() {
      here.ping();
      files.check();
      // Still readable, so the keys on other pages continue to work.
      if (damage !== null) throw new NotWritten(damage.cause, damage.reason, damage.remedy);
      await writable(askWriter(), writer);
    },
    async close() {
      here.close();
      // The writer closes last: it can write the log back once there are no readers.
      await readers.close(CLOSE);
      await writer.close(CLOSE);
    },
  };
  return aroundStore(store, noting);
}

/**
 * Resolves unless changes can't be written. A write that is only waiting for the disk is not a fault.
 *
 * @throws NotWritten, so that the store can still be read
 */
async function writable(asked: Promise<unknown>, writer: Threads): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => {
      if (writer.isLocked) reject(new NotWritten(new Error('The store is locked.'), LOCKED));
      else resolve();
    }, PING);
  });
  try {
    await Promise.race([asked, late]);
  } catch (error) {
    if (error instanceof NotWritten || !(error instanceof StoreUnavailable)) throw error;
    throw new NotWritten(error.cause, error.reason, error.remedy);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Rejects a write-ahead log whose database was deleted or emptied. Without this, a new store would be created silently.
 * SQLite writes the first page of a new database before it creates the log. The log is looked for first, because another
 * process may be doing that now.
 *
 * @throws FileFault
 */
function refuseLostDatabase(file: string): void {
  if (walSizeOf(file) === null || (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const name = basename(file);
  throw new FileFault(
    `contains ${name}-wal, but its ${name} is missing or empty`,
    `Restore ${name} from a backup (docs/how-to/damaged-database.md). For a new, empty store, remove ${name}-wal too.`,
  );
}

function checkingLine(file: string): string {
  const size = Math.ceil((statSync(file, { throwIfNoEntry: false })?.size ?? 0) / 2 ** 20);
  return `The last stop of a process that uses ${file} was not clean. Checking the file (${size} MB). The start continues after that.`;
}

/**
 * Creates a file with mode 0600. SQLite would make it readable by everyone; its -wal and -shm files get the mode of the
 * database. The file is never opened if it exists: closing a second descriptor would release the locks that this
 * process has on it.
 */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
