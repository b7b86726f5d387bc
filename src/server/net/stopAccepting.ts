import { Server } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

/** A turn of the event loop that took less time than this accepted no connection and did almost nothing. In ms. */
const IDLE_TURN = 0.1;

/** How many turns to wait for an idle one. A busy process doesn't have any. */
const MAX_TURNS = 200;

/**
 * Closes listening sockets after accepting every connection that has reached this machine.
 *
 * When a listening socket closes, the kernel resets connections that it has established but the process hasn't accepted. This
 * function therefore closes the sockets in the event loop's check phase, right after the poll phase has accepted all of
 * them. It waits at least two turns because the poll phase of the first one may have begun before the connection arrived, and
 * it prefers a turn without other work, because connections that arrive during that work are reset too.
 */
export async function stopAccepting(servers: readonly Server[]): Promise<void> {
  await turn();
  for (let turns = 0; turns < MAX_TURNS; turns += 1) {
    const began = performance.now();
    await turn();
    if (performance.now() - began < IDLE_TURN) break;
  }
  // The method of node:net. The one of node:http also closes idle connections.
  for (const server of servers) if (server.listening) Server.prototype.close.call(server);
}
