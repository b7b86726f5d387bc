import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type mongoose from 'mongoose';
import type { Connection } from 'mongoose';

/** Time between two inspections of the running checks, and between two attempts to reconnect, in ms. */
const LOOK_EVERY = 500;

/** The driver's running checks of its servers: the time by which each must have ended, by address, in ms. */
type Checks = Map<string, number>;

/**
 * Reconnects when the driver stops monitoring a server.
 *
 * The driver runs one check of a server at a time. If the socket is destroyed just before the driver writes a check to
 * it, the check waits for the socket's `drain` event, which never comes, and the driver starts no other check (seen with
 * mongodb 7.8.0). From then on it notices no failover, and once its connections are closed it opens none.
 *
 * @param timeout how long one step of a check (connecting, the first reply) may take by the options of the connection, in
 *   ms
 * @param open opens the connection again, and rejects if that fails
 * @returns a function that stops this. It resolves when no attempt to reconnect is running.
 */
export function keepMonitored(
  connection: Connection,
  timeout: number,
  open: () => Promise<unknown>,
): () => Promise<void> {
  let isClosed = false;
  let reopening: Promise<void> | null = null;
  let checks = checksOf(connection, timeout);
  const reopen = async (): Promise<void> => {
    while (!isClosed) {
      try {
        await connection.close();
        await open();
        checks = checksOf(connection, timeout);
        return;
      } catch {
        // The server is unavailable. The breaker reports this.
        await delay(LOOK_EVERY);
      }
    }
  };
  let overdue = 0;
  const timer = setInterval(() => {
    overdue = [...checks.values()].some((end) => performance.now() > end) ? overdue + 1 : 0;
    // Only the second time in a row: a process that was paused has replies to read first.
    if (reopening !== null || overdue < 2) return;
    overdue = 0;
    reopening = reopen().finally(() => (reopening = null));
  }, LOOK_EVERY).unref();
  return async () => {
    isClosed = true;
    clearInterval(timer);
    await reopening;
  };
}

function checksOf(connection: Connection, timeout: number): Checks {
  const checks: Checks = new Map();
  const client: mongoose.mongo.MongoClient = connection.getClient();
  client.on('serverHeartbeatStarted', ({ connectionId, awaited }) => {
    // A server responds to a streamed check when its state changes, and after this time at the latest.
    const streamed = awaited ? client.options.heartbeatFrequencyMS : 0;
    // Connecting and the first reply have a time limit each. A third one, because a busy process notices the end late.
    checks.set(connectionId, performance.now() + 3 * timeout + streamed);
  });
  const ended = ({ connectionId }: { readonly connectionId: string }): void => void checks.delete(connectionId);
  client.on('serverHeartbeatSucceeded', ended);
  client.on('serverHeartbeatFailed', ended);
  client.on('serverClosed', ({ address }) => void checks.delete(address));
  return checks;
}
