import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'libsql';
import { makeDirectory } from '../../makeDirectory.js';
import { checkMilliseconds, checkNames, optionError } from '../../options.js';
import { StoreUnavailable } from '../errors.js';
import type { Store } from '../store.js';
import { openAssets } from './assets.js';
import { openAudit } from './audit.js';
import { Checkpoints, hasMark, MAX_WAL_BYTES, refuseLostWal, walExists } from './checkpoints.js';
import { Connection } from './connection.js';
import { openEvents } from './events.js';
import { openKeys } from './keys.js';
import { inTurns } from './inTurns.js';
import { migrate } from './migrations.js';
import { OpenFiles } from './openFiles.js';
import { openProjects } from './projects.js';
import { openUsage } from './usage.js';
import { cannotOpen } from './cannotOpen.js';
import { findingUsers, openUsers } from './users.js';
import { openWorkspaces } from './workspaces.js';

export interface SqliteOptions {
  /** The directory of the database file `latchkey.db`; made with mode 0700 where it is missing. */
  readonly dir: string;
  /** How long a write waits for another process's before it is StoreUnavailable, in ms. 5000 where absent. */
  readonly busyTimeout?: number;
}

/**
 * Opens the embedded engine: one file, which several processes of a machine may share.
 * @throws TypeError for an option that is not allowed; CannotOpen that names the file or the directory, and says what to do.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  checkNames('openSqliteStore', options, ['dir', 'busyTimeout']);
  const { dir, busyTimeout = 5000 } = options;
  if (typeof dir !== 'string' || dir === '' || dir.includes('\0')) {
    throw optionError('openSqliteStore: dir', dir, 'the path of a directory');
  }
  checkMilliseconds('openSqliteStore: busyTimeout', busyTimeout, 0);
  const file = join(dir, 'latchkey.db');
  let connection: Connection | null = null;
  try {
    makeDirectory(dir, 0o700);
    createPrivate(file);
    const hadWal = walExists(file);
    connection = new Connection(file, busyTimeout);
    await becomeWal(connection, busyTimeout);
    // Checkpoints are made by Checkpoints alone.
    connection.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0');
    if (hasMark(connection)) await refuseLostWal(connection, hadWal);
    migrate(connection);
    return inTurns(assemble(connection, file, busyTimeout));
  } catch (error) {
    connection?.close();
    throw cannotOpen(dir, file, error);
  }
}

function assemble(connection: Connection, file: string, busyTimeout: number): Store {
  const checkpoints = new Checkpoints(connection, busyTimeout);
  checkpoints.run();
  const files = new OpenFiles(file);
  let isWritingBack = false;
  connection.watchWrites({
    check: () => files.check(),
    written(walBytes) {
      if (walBytes <= MAX_WAL_BYTES || isWritingBack) return;
      isWritingBack = true;
      try {
        checkpoints.run();
      } catch {
        // The write itself was made. The next one tries again.
      } finally {
        isWritingBack = false;
      }
    },
  });
  const audit = openAudit(connection);
  const findUser = findingUsers(connection);
  const keys = openKeys(connection, audit, findUser);
  const alive = connection.prepare('SELECT count(*) FROM sqlite_schema');
  return {
    keys,
    workspaces: openWorkspaces(connection, keys, audit),
    projects: openProjects(connection, audit),
    users: openUsers(connection, audit, findUser, keys),
    audit,
    usage: openUsage(connection),
    assets: openAssets(connection),
    events: openEvents(connection),
    async ping() {
      alive.all({});
      files.check();
      // Reads don't show that a disk is full. A write does, and clears the fault once there is room.
      if (connection.writeFault !== null) checkpoints.probe();
    },
    async close() {
      try {
        checkpoints.finish();
      } catch {
        // Closed already, or the disk takes no writes: the log keeps what it holds.
      }
      connection.close();
    },
  };
}

/**
 * SQLite would make the file readable by all; its -wal and -shm take the mode of the file. Only ever created, never
 * opened: closing a second descriptor of a file would drop the locks that this process holds on it.
 */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * The change of a new file to WAL needs it alone for a moment, and SQLite does not wait for that by itself: without this
 * wait, processes that start together on an empty directory would fail.
 */
async function becomeWal(connection: Connection, patience: number): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      connection.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw error;
      await delay(10);
    }
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof StoreUnavailable &&
    error.cause instanceof Database.SqliteError &&
    error.cause.code.startsWith('SQLITE_BUSY')
  );
}
