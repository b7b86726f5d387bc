import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { stopAccepting } from '../../../src/server/net/stopAccepting.js';
import { connectWhileBlocked } from '../../support/clientThread.js';

/** A server that answers whatever arrives with `ok`. */
async function listening(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end('ok')));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

test('X2: accepts a connection that waits in the queue, and refuses later ones', async () => {
  const { server, port } = await listening();
  const { seen } = connectWhileBlocked(port, 'x');
  const closed = once(server, 'close');
  await stopAccepting([server]);
  expect(server.listening).toBe(false);
  expect(await seen).toEqual({ text: 'ok', fault: null });
  await closed;
});

test('X2: closing the listening socket without waiting resets connections in the queue, which the kernel does', async () => {
  const { server, port } = await listening();
  const { seen } = connectWhileBlocked(port, 'x');
  server.close();
  expect(await seen).toEqual({ text: '', fault: 'ECONNRESET' });
});
