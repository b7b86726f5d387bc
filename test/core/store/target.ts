import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SqliteExtension } from '../../../src/core/store/sqlite/extension.js';
import type { SqliteOptions } from '../../../src/core/store/sqlite/open.js';
import type { Store } from '../../../src/core/store/store.js';
import { DEMO_PARTS } from '../../../src/demo/store/demoParts.js';
import { namingOperations, noteCommand } from './commands.js';

/** Returns a database that a child process can open, too. */
export type Target =
  | ({ readonly engine: 'sqlite'; readonly dir: string; readonly busyTimeout?: number } & Mode)
  | ({ readonly engine: 'mongo'; readonly uri: string } & Pick<Mode, 'withDemo'>);

interface Mode {
  readonly inThisThread?: true;
  /** Opens the store with the built-in domain. */
  readonly withDemo?: true;
}

/** Opens the store of a target. */
export async function openTarget(target: Target): Promise<Store> {
  const extension = target.withDemo === true ? DEMO_PARTS : undefined;
  if (target.engine === 'sqlite') {
    const { openSqlite } = await import('../../../src/core/store/sqlite/open.js');
    const { engine: _, inThisThread = false, withDemo: __, ...options } = target;
    const parts = extension?.sqlite;
    return inThisThread ? openInThisThread(options, parts) : openSqlite(options, { extension: parts });
  }
  const { openMongo } = await import('../../../src/core/store/mongo/open.js');
  // A timeout that even a busy machine meets. The engine in CI responds to concurrent writes of one value with
  // deadlocks, and takes about a second to find each; the writes are repeated until the timeout. MongoDB resolves them
  // itself.
  const uri = new URL(target.uri);
  uri.searchParams.set('monitorCommands', 'true');
  const store = await openMongo({ uri: uri.href, timeout: 120_000 }, await extension?.mongo());
  const { default: mongoose } = await import('mongoose');
  mongoose.connections.at(-1)?.getClient().on('commandStarted', noteCommand);
  return namingOperations(store);
}

/** The SQLite engine on one connection in this thread, so that a test sees its statements. */
async function openInThisThread(
  { dir, busyTimeout = 5_000 }: SqliteOptions,
  extension?: SqliteExtension<object>,
): Promise<Store> {
  const [{ openWriter }, { storeOf }] = await Promise.all([
    import('../../../src/core/store/sqlite/writer.js'),
    import('../../../src/core/store/sqlite/engine.js'),
  ]);
  mkdirSync(dir, { recursive: true });
  const writer = await openWriter({ dir, file: join(dir, 'latchkey.db'), busyTimeout }, {}, extension);
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
