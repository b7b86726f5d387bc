import { StoreUnavailable } from '../storeErrors.js';
import type { Engine } from './engine.js';
import { isLocked } from './driverErrors.js';
import type { Route, RoutesOf } from './extension.js';
import { ROUTES } from './routes.js';
import type { Threads } from './threads.js';

type Operation = (...given: unknown[]) => Promise<unknown>;

interface Routed {
  /** The engine of the calling thread. */
  readonly here: Engine;
  readonly readers: Threads;
  readonly writer: Threads;
}

/**
 * Returns the operations, each of which runs in its thread.
 *
 * @param further the routes of the extension
 */
export function routed(threads: Routed, further: RoutesOf<object>): Engine {
  const parts = Object.entries({ ...further, ...ROUTES }).map(([part, routes]) => {
    const operations = Object.entries(routes as Record<string, Route>).map(([operation, route]) => [
      operation,
      inThread(threads, part, operation, route),
    ]);
    return [part, Object.fromEntries(operations) as unknown];
  });
  return Object.fromEntries(parts) as Engine;
}

function inThread({ here, readers, writer }: Routed, part: string, operation: string, route: Route): Operation {
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

const isLockedOut = (error: unknown): boolean => error instanceof StoreUnavailable && isLocked(error.cause);

/** Returns the name of the queue for an operation: its workspace or project, otherwise its first ID. */
function turnOf([first]: readonly unknown[]): string {
  const [one] = Array.isArray(first) ? (first as unknown[]) : [first];
  if (typeof one === 'string') return one;
  const { workspaceId, projectId, keyIds } = (one ?? {}) as Readonly<Record<string, unknown>>;
  const ids = [workspaceId, projectId, Array.isArray(keyIds) ? (keyIds as unknown[])[0] : undefined];
  return ids.find((each) => typeof each === 'string') ?? '';
}
