import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SqliteOptions } from '../../../src/core/store/sqlite/open.js';
import type { Store } from '../../../src/core/store/store.js';
import { namingOperations, noteCommand } from './commands.js';

/** Returns a database that a child process can open, too. */
export type Target =
  | { readonly engine: 'sqlite'; readonly dir: string; readonly busyTimeout?: number; readonly inThisThread?: true }
  | { readonly engine: 'mongo'; readonly uri: string };

export async function openTarget(target: Target): Promise<Store> {
  if (target.engine === 'sqlite') {
    const { openSqliteStore } = await import('../../../src/core/store/sqlite/open.js');
    const { engine: _, inThisThread = false, ...options } = target;
    return inThisThread ? openInThisThread(options) : openSqliteStore(options);
  }
  const { openMongoStore } = await import('../../../src/core/store/mongo/open.js');
  // A timeout that even a busy machine meets. The engine in CI responds to concurrent writes of one value with
  // deadlocks, and takes about a second to find each; the writes are repeated until the timeout. MongoDB resolves them
  // itself.
  const uri = new URL(target.uri);
  uri.searchParams.set('monitorCommands', 'true');
  const store = await openMongoStore({ uri: uri.href, timeout: 120_000 });
  const { default: mongoose } = await import('mongoose');
  mongoose.connections.at(-1)?.getClient().on('commandStarted', noteCommand);
  return namingOperations(store);
}

/** The SQLite engine on one connection in this thread, so that a test sees its statements. */
async function openInThisThread({ dir, busyTimeout = 5_000 }: SqliteOptions): Promise<Store> {
  const [{ openWriter }, { storeOf }] = await Promise.all([
    import('../../../src/core/store/sqlite/writer.js'),
    import('../../../src/core/store/sqlite/engine.js'),
  ]);
  mkdirSync(dir, { recursive: true });
  const writer = await openWriter({ dir, file: join(dir, 'latchkey.db'), busyTimeout });
  return {
    ...storeOf(writer.engine),
    ping: async () => {
      writer.ping();
    },
    close: async () => {
      writer.close();
    },
  };
}
