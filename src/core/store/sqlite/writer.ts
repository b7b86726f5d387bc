import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../storeErrors.js';
import { cannotOpen } from './cannotOpen.js';
import { Checkpoints, hasMark, MAX_WAL_BYTES, refuseLostWal, walSizeOf } from './checkpoints.js';
import { Connection } from './connection.js';
import { openEngine, type Engine } from './engine.js';
import { NO_EXTENSION, type SqliteExtension } from './extension.js';
import { isLocked } from './driverErrors.js';
import { migrate } from './migrations.js';
import { OpenFiles } from './openFiles.js';
import { StartLock } from './startLock.js';
import { checkAfterUncleanStop } from './uncleanStop.js';

/** An open connection, in the thread that it belongs to. */
export interface Opened {
  readonly engine: Engine;
  readonly connection: Connection;
  /**
   * Checks that the store is writable.
   *
   * @throws StoreUnavailable
   */
  ping(): void;
  close(): void;
}

/** Events while the connection that writes is opened and used. */
export interface WriterEvents {
  /** A write has to wait for another program's lock. */
  readonly waiting?: () => void;
  /** The file is being checked, which may take a while. */
  readonly checking?: () => void;
}

/**
 * Opens the connection that writes: checks the file after a stop that wasn't clean, migrates it, and writes its log
 * back.
 *
 * @throws CannotOpen
 */
export async function openWriter(
  { dir, file, busyTimeout }: { readonly dir: string; readonly file: string; readonly busyTimeout: number },
  { waiting = () => undefined, checking = () => undefined }: WriterEvents = {},
  extension: SqliteExtension<object> = NO_EXTENSION,
): Promise<Opened> {
  let connection: Connection | null = null;
  let lock: StartLock | null = null;
  try {
    lock = await StartLock.take(`${file}-start`);
    const walSize = walSizeOf(file);
    connection = new Connection(file, busyTimeout);
    await becomeWal(connection, busyTimeout);
    // Only Checkpoints makes checkpoints.
    connection.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0');
    if (hasMark(connection)) await refuseLostWal(connection, walSize !== null);
    checkAfterUncleanStop(connection, walSize !== null && walSize > 0, checking);
    migrate(connection);
    extension.migrate(connection);
    return watched(openEngine(connection, extension), connection, file, waiting);
  } catch (error) {
    connection?.close();
    throw cannotOpen(dir, file, error);
  } finally {
    lock?.giveBack();
  }
}

function watched(engine: Engine, connection: Connection, file: string, waiting: () => void): Opened {
  const checkpoints = new Checkpoints(connection);
  checkpoints.begin();
  const files = new OpenFiles(file);
  let isWritingBack = false;
  let writeBackAt = MAX_WAL_BYTES;
  connection.watchWrites({
    check: () => files.check(),
    waiting,
    written(walBytes) {
      if (walBytes <= writeBackAt || isWritingBack) return;
      isWritingBack = true;
      try {
        // A reader that still uses the log keeps it from being replaced. Tries again once the log has grown, not at
        // each write.
        writeBackAt = checkpoints.run() ? MAX_WAL_BYTES : walBytes + MAX_WAL_BYTES / 4;
      } catch {
        // The write itself succeeded. The next one tries again.
      } finally {
        isWritingBack = false;
      }
    },
  });
  return {
    engine,
    connection,
    ping() {
      // Reads don't detect a full disk. A write does notice it, and clears the fault once there is room.
      if (connection.writeFault === null) connection.tryLock();
      else checkpoints.probe();
    },
    close() {
      try {
        checkpoints.finish();
      } catch {
        // Already closed, or the disk is not writable: the log keeps its changes.
      }
      connection.close();
    },
  };
}

/**
 * Switches a file to WAL. A new file must not be in use at that moment, and SQLite doesn't wait for that by itself:
 * without this wait, processes that start together on an empty directory would fail.
 */
async function becomeWal(connection: Connection, patience: number): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      connection.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      const isBusy = error instanceof StoreUnavailable && isLocked(error.cause);
      if (!isBusy || Date.now() >= deadline) throw error;
      await delay(10);
    }
  }
}
