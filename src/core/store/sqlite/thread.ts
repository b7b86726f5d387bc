import type { MessagePort } from 'node:worker_threads';
import type { Answer, Asked, Opened as OpenedMessage, ThreadData } from './threadMessages.js';
import { NO_EXTENSION, type SqliteExtension } from './extension.js';
import { openReader } from './reader.js';
import { toWire } from './wireErrors.js';
import { openWriter, type Opened, type WriterEvents } from './writer.js';

type Operation = (...given: readonly unknown[]) => Promise<unknown>;

/**
 * Runs operations on one connection, one at a time, until the port is closed.
 *
 * @param extension the further parts of the store
 */
export async function serveThread(
  port: MessagePort,
  data: ThreadData,
  extension: SqliteExtension<object> = NO_EXTENSION,
): Promise<void> {
  const tell = (message: Answer | OpenedMessage): void => {
    port.postMessage(message);
  };
  try {
    const opened = await open(data, extension, {
      waiting() {
        tell({ kind: 'locked' });
      },
      checking() {
        tell({ kind: 'checking' });
      },
    });
    tell({ kind: 'opened' });
    port.on('message', (asked: Asked) => {
      opened.connection.patience = asked.patience;
      void answer(opened, asked).then(
        (value) => {
          tell({ kind: 'value', value });
        },
        (error: unknown) => {
          tell({ kind: 'error', error: toWire(error) });
        },
      );
    });
  } catch (error) {
    tell({ kind: 'failed', error: toWire(error) });
    port.close();
  }
}

async function open(data: ThreadData, extension: SqliteExtension<object>, events: WriterEvents): Promise<Opened> {
  return data.role === 'writer'
    ? openWriter(data, events, extension)
    : openReader(data.file, data.busyTimeout, extension);
}

async function answer(opened: Opened, { part, operation, given }: Asked): Promise<unknown> {
  if (part === 'thread') {
    if (operation === 'ping') opened.ping();
    else opened.close();
    return null;
  }
  const operations = opened.engine[part as keyof Opened['engine']] as unknown as Record<string, Operation>;
  return operations[operation]?.(...given);
}
