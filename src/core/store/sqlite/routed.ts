import { StoreUnavailable, Unacknowledged } from '../storeErrors.js';
import type { Engine } from './engine.js';
import { isLocked } from './driverErrors.js';
import type { Route, RoutesOf } from './extension.js';
import { ROUTES } from './routes.js';
import type { Threads } from './threads.js';

type Operation = (...given: unknown[]) => Promise<unknown>;

/**
 * The maximum number of brief reads in the writer. A start needs four reads in a store with one workspace. Starting a thread takes as long
 * as a thousand of them.
 */
const FIRST_READS = 20;

interface Routed {
  /** The engine of the calling thread. */
  readonly here: Engine;
  readonly readers: Threads;
  readonly writer: Threads;
  /** How long a read may take in total, in ms. */
  readonly limit: number;
}

/**
 * Returns the operations, each of which runs in its thread.
 *
 * @param further the routes of the extension
 */
export function routed(threads: Routed, further: RoutesOf<object>): Engine {
  const briefly = briefReads(threads);
  const parts = Object.entries({ ...further, ...ROUTES }).map(([part, routes]) => {
    const operations = Object.entries(routes as Record<string, Route>).map(([operation, route]) => [
      operation,
      route === 'brief' ? briefly(part, operation) : inThread(threads, part, operation, route),
    ]);
    return [part, Object.fromEntries(operations) as unknown];
  });
  return Object.fromEntries(parts) as Engine;
}

function inThread(
  { here, readers, writer }: Routed,
  part: string,
  operation: string,
  route: Exclude<Route, 'brief'>,
): Operation {
  const read: Operation = (...given) => readers.ask(turnOf(given), { part, operation, given });
  switch (route) {
    case 'writer':
      return (...given) => writer.ask(turnOf(given), { part, operation, given });
    case 'writerGroup':
      return (...given) => writer.ask(turnOf(given), { part, operation, given, joins: true });
    case 'reader':
      return read;
    case 'here': {
      const look = (here[part as keyof Engine] as unknown as Record<string, Operation>)[operation];
      if (look === undefined) throw new Error(`The engine has no ${part}.${operation}.`);
      // The file may be locked for a moment, for example after another process crashed. A reader thread can wait for
      // that.
      return (...given) =>
        look(...given).catch(async (error: unknown) => {
          if (!isLockedOut(error)) throw error;
          return read(...given);
        });
    }
    default:
      throw new Error(`${part}.${operation} has no thread.`);
  }
}

/**
 * Returns operations that run in the writer while it is idle and no reader was started, up to {@link FIRST_READS} times. So the start of
 * a store, and short programs, need no reader. A write waits for at most one of them.
 */
function briefReads({ readers, writer, limit }: Routed): (part: string, operation: string) => Operation {
  let left = FIRST_READS;
  return (part, operation) =>
    async (...given) => {
      const question = { part, operation, given };
      const inReader = (): Promise<unknown> => readers.ask(turnOf(given), question);
      if (left === 0 || !readers.isUnused || !writer.isIdle) return inReader();
      left -= 1;
      return writer.ask(turnOf(given), question, limit).catch((error: unknown) => {
        // The writer has ended.
        if (!(error instanceof Unacknowledged)) throw error;
        return inReader();
      });
    };
}

const isLockedOut = (error: unknown): boolean => error instanceof StoreUnavailable && isLocked(error.cause);

/** Returns the name of the queue for an operation: its workspace or project, otherwise its first ID. */
function turnOf([first]: readonly unknown[]): string {
  const [one] = Array.isArray(first) ? (first as unknown[]) : [first];
  if (typeof one === 'string') return one;
  const { workspaceId, projectId, keyIds } = (one ?? {}) as Readonly<Record<string, unknown>>;
  const ids = [workspaceId, projectId, Array.isArray(keyIds) ? (keyIds as unknown[])[0] : undefined];
  return ids.find((each) => typeof each === 'string') ?? '';
}
