import type { Store } from '../../src/store/store.js';
import { noteCommand } from './commands.js';

/** Names a database so that a child process can open it too. */
export type Target =
  | { readonly engine: 'sqlite'; readonly dir: string; readonly busyTimeout?: number }
  | { readonly engine: 'mongo'; readonly uri: string };

export async function openTarget(target: Target): Promise<Store> {
  if (target.engine === 'sqlite') {
    const { openSqliteStore } = await import('../../src/store/sqlite/open.js');
    const { engine: _, ...options } = target;
    return openSqliteStore(options);
  }
  const { openMongoStore } = await import('../../src/store/mongo/open.js');
  // A deadline that no busy machine misses. The engine that CI tests against answers writes of one value that come at once with
  // deadlocks, and takes about a second to find each; they are repeated until the deadline. MongoDB settles them by itself.
  const uri = new URL(target.uri);
  uri.searchParams.set('monitorCommands', 'true');
  const store = await openMongoStore({ uri: uri.href, timeout: 120_000 });
  const { default: mongoose } = await import('mongoose');
  mongoose.connections.at(-1)?.getClient().on('commandStarted', noteCommand);
  return store;
}
