import type { FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';

/**
 * Has a close end connections on which nothing has come yet, as browsers and proxies open them ahead of need. Node's own
 * ends those that are idle between two requests, and waits for these until their end gives up.
 */
export function endUnusedConnections(app: FastifyInstance): void {
  const { server } = app;
  const unused = new Set<Socket>();
  const isEncrypted = 'setSecureContext' in server;
  server.on(isEncrypted ? 'secureConnection' : 'connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
  app.addHook('preClose', (done) => {
    // A request that is half here is let come. Of what is encrypted the handshake has been read, and no more can be told.
    for (const socket of unused) if (isEncrypted || socket.bytesRead === 0) socket.destroy();
    done();
  });
}
