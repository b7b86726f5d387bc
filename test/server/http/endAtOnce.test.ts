import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { endAtOnce, endEncoded } from '../../../src/server/http/endAtOnce.js';

let server: Server;
let port: number;
let listener: RequestListener;
beforeEach(async () => {
  server = createServer((request, response) => listener(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const respondWith = (body: string): void => {
  listener = (_, response) => {
    const bytes = Buffer.byteLength(body);
    response.writeHead(200, ['content-length', String(bytes)]);
    endAtOnce(response, body, bytes);
  };
};

/** Sends text on a new connection. */
async function open(text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

const LAST = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';

test.each(
  ['', 'ASCII', 'Größe', '鍵 💾', 'x'.repeat(3_000_000), 'é'.repeat(3_000_000)].map((body) => [body.length, body]),
)('sends a body of %i characters', async (_, body) => {
  respondWith(body);
  const [, received] = (await buffer(await open(LAST))).toString().split('\r\n\r\n');
  expect(received === body).toBe(true);
});

test('keeps the bytes of Latin-1 text', async () => {
  const bytes = Buffer.from([0, 0x7f, 0x80, 0xe9, 0xff]);
  listener = (_, response) => {
    response.writeHead(200, ['content-length', String(bytes.length)]);
    endEncoded(response, bytes.toString('latin1'), 'latin1');
  };
  const received = await buffer(await open(LAST));
  expect(received.subarray(-bytes.length)).toEqual(bytes);
});

test('the response is written in the same turn, and the socket is not held back', async () => {
  const left: number[] = [];
  listener = ({ socket }, response) => {
    response.writeHead(200, ['content-length', '2']);
    endAtOnce(response, 'ok', 2);
    left.push(socket.writableLength, socket.writableCorked);
  };
  await buffer(await open(LAST));
  expect(left).toEqual([0, 0]);
});

test('pipelined responses keep their order, and each has its whole body', async () => {
  const held: (() => void)[] = [];
  let count = 0;
  listener = (_, response) => {
    const body = `body ${(count += 1)}`;
    held.push(() => {
      response.writeHead(200, ['content-length', String(body.length)]);
      endAtOnce(response, body, body.length);
    });
    // The response to the last request comes first.
    if (held.length === 3) for (const respond of held.toReversed()) respond();
  };
  const next = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
  const text = (await buffer(await open(next + next + LAST))).toString();
  expect(text.match(/body \d/g)).toEqual(['body 1', 'body 2', 'body 3']);
});

test('a connection is used again after the response', async () => {
  respondWith('ok');
  const socket = await open('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(socket, 'data');
  socket.write(LAST);
  expect((await buffer(socket)).toString()).toMatch(/ok$/);
});

test('a caller that is gone causes no error', async () => {
  const finished = new Promise<void>((resolve) => {
    listener = (request, response) => {
      request.socket.destroy();
      response.once('close', () => {
        response.writeHead(200, ['content-length', '2']);
        endAtOnce(response, 'ok', 2);
        // A late error would end the process of the test.
        setTimeout(resolve, 20);
      });
    };
  });
  const socket = await open(LAST);
  socket.on('error', () => undefined);
  await finished;
});

test('a response to HEAD has no body', async () => {
  respondWith('not sent');
  const text = (await buffer(await open(LAST.replace('GET', 'HEAD')))).toString();
  expect(text).toMatch(/content-length: 8\r\n[^]*\r\n\r\n$/);
});

test('emits finish once the client has accepted a large body, and not before', async () => {
  const size = 60_000_000;
  const events: string[] = [];
  const finished = new Promise<void>((resolve) => {
    listener = (_, response) => {
      response.once('finish', () => resolve(void events.push('finish')));
      response.writeHead(200, ['content-length', String(size)]);
      endAtOnce(response, 'x'.repeat(size), size);
      events.push('ended');
    };
  });
  const socket = connect(port, '127.0.0.1').pause();
  await once(socket, 'connect');
  socket.write(LAST);
  while (events.length === 0) await new Promise(setImmediate);
  for (let i = 0; i < 50; i += 1) await new Promise(setImmediate);
  expect(events).toEqual(['ended']);
  const [received] = await Promise.all([buffer(socket), finished]);
  expect(received.length).toBeGreaterThan(size);
});
