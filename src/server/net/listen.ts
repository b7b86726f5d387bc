import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/**
 * Opens a listening socket.
 *
 * @param pauseOnConnect whether connections are left unread, for another process that takes them
 * @throws Error EADDRINUSE and others, as of `net.Server.listen`
 */
export async function listen(port: number, host: string, pauseOnConnect: boolean): Promise<Server> {
  // The values that node:http sets for its own connections.
  const server = createServer({ pauseOnConnect, noDelay: true, allowHalfOpen: true });
  server.listen({ port, host });
  await once(server, 'listening');
  return server;
}

/** Opens listening sockets on the same port of the other addresses of `localhost`. */
export async function listenOnOthers(
  { address, port }: AddressInfo,
  pauseOnConnect: boolean,
): Promise<readonly Server[]> {
  const servers: Server[] = [];
  for (const other of await lookup('localhost', { all: true })) {
    if (other.address === address) continue;
    // A machine may name an address that it doesn't have, such as ::1 if IPv6 is disabled.
    const server = await listen(port, other.address, pauseOnConnect).catch(() => null);
    if (server !== null) servers.push(server);
  }
  return servers;
}
