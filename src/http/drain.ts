import type { FastifyInstance } from 'fastify';

/**
 * Closes the server: nothing new begins, idle connections end, what runs is finished. What still runs after `ms` loses its
 * connection, so that one request that hangs does not keep from being written what the others left.
 *
 * @returns whether everything was finished
 */
export async function drain(server: FastifyInstance, ms: number): Promise<boolean> {
  let timer;
  const timeUp = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const closed = server.close().then(() => true);
  const finished = await Promise.race([closed, timeUp]);
  clearTimeout(timer);
  if (!finished) server.server.closeAllConnections();
  return finished;
}
