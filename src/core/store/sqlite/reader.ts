import { Connection } from './connection.js';
import { openEngine } from './engine.js';
import type { SqliteExtension } from './extension.js';
import type { Opened } from './writer.js';

/** Opens a read-only connection to a file that {@link openWriter} has opened. */
export function openReader(file: string, busyTimeout: number, extension?: SqliteExtension<object>): Opened {
  const connection = new Connection(file, busyTimeout);
  connection.exec('PRAGMA query_only = ON');
  return {
    engine: openEngine(connection, extension),
    connection,
    ping() {
      connection.pragma('schema_version');
    },
    close: () => {
      connection.close();
    },
  };
}
