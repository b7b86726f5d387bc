import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Upstream } from '../../../src/server/gateway/upstream.js';

// In undici 7.26 to 7.30, an assertion of the parser ends the process here.
test('survives an upstream that closes its connection while the response is paused for a slow caller', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"data":null}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/graphql`;
  const upstream = await Upstream.open({ url, timeout: 5_000, connections: 1, authorization: null });
  try {
    const received = await new Promise<string>((resolve, reject) => {
      let text = '';
      upstream.send(
        { method: 'POST', headers: [], body: '{}', isSafe: true },
        {
          started: () => undefined,
          headers: () => undefined,
          data(controller, chunk) {
            text += chunk.toString();
            controller.pause();
            // By then, the upstream has closed the connection.
            void delay(200).then(() => controller.resume());
          },
          ended: () => resolve(text),
          failed: reject,
        },
      );
    });
    expect(received).toBe('{"data":null}');
  } finally {
    await upstream.close();
    server.close();
  }
});
