import type { MessagePort } from 'node:worker_threads';
import { performance } from 'node:perf_hooks';
import type { Answer, Answered, Asked, Opened as OpenedMessage, ThreadData } from './threadMessages.js';
import { NotWritten } from '../storeErrors.js';
import { LOCKED } from './driverErrors.js';
import { NO_EXTENSION, type SqliteExtension } from './extension.js';
import { openReader } from './reader.js';
import { toWire } from './wireErrors.js';
import { openWriter, type Opened, type WriterEvents } from './writer.js';

type Operation = (...given: readonly unknown[]) => Promise<unknown>;

/**
 * Runs operations on one connection, in order, until the port is closed.
 *
 * @param extension the further parts of the store
 */
export async function serveThread(
  port: MessagePort,
  data: ThreadData,
  extension: SqliteExtension<object> = NO_EXTENSION,
): Promise<void> {
  const tell = (message: Answered | OpenedMessage): void => {
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
    port.on('message', (asked: readonly Asked[]) => {
      void answerAll(opened, asked).then((answers) => {
        tell({ kind: 'answers', answers });
      });
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

/** Runs several operations in one transaction. If that fails, runs each in its own, so that none fails because of another. */
async function answerAll(opened: Opened, asked: readonly Asked[]): Promise<Answer[]> {
  const began = performance.now();
  const { connection } = opened;
  if (asked.length > 1) {
    connection.patience = Math.min(...asked.map(({ patience }) => patience));
    try {
      const values = await connection.together(() => inOrder(asked, (each) => answer(opened, each)));
      if (values !== null) return values.map((value) => ({ kind: 'value', value }));
    } catch (error) {
      const failed: Answer = { kind: 'error', error: toWire(error) };
      const waited = performance.now() - began;
      // Operations that may wait longer for another program's lock. Otherwise each operation would wait separately.
      const left = isLockHeld(error) ? asked.filter(({ patience }) => patience > waited) : [];
      const later = await answerAll(
        opened,
        left.map((each) => ({ ...each, patience: each.patience - waited })),
      );
      return asked.map((each) => later[left.indexOf(each)] ?? failed);
    }
  }
  return inOrder(asked, async (each): Promise<Answer> => {
    connection.patience = Math.max(0, each.patience - (performance.now() - began));
    try {
      return { kind: 'value', value: await answer(opened, each) };
    } catch (error) {
      return { kind: 'error', error: toWire(error) };
    }
  });
}

function isLockHeld(error: unknown): boolean {
  return error instanceof NotWritten && error.reason === LOCKED;
}

async function inOrder<T>(asked: readonly Asked[], run: (each: Asked) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const each of asked) results.push(await run(each));
  return results;
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
