import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

export interface ConnectProxy {
  /** As in HTTPS_PROXY. */
  readonly url: string;
  readonly host: string;
  /** `CONNECT host:port` and `GET http://host/path`, in turn. */
  readonly requests: string[];
  /** Proxy-Authorization of each request. */
  readonly authorizations: (string | undefined)[];
  /** The response that it sends instead of forwarding; null: it forwards. */
  status: number | null;
  close(): Promise<void>;
}

/**
 * A forward proxy on loopback: tunnels CONNECT, and forwards requests in absolute form. Every host name leads to loopback, so that
 * a test can request any.
 *
 * @param credentials `user:password` that it requires
 */
export async function startProxy(credentials?: string): Promise<ConnectProxy> {
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const statusFor = ({ headers }: IncomingMessage): number | null => {
    authorizations.push(headers['proxy-authorization']);
    return proxy.status ?? (expected !== undefined && headers['proxy-authorization'] !== expected ? 407 : null);
  };

  const server = createServer((incoming, response) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    const status = statusFor(incoming);
    if (status !== null) return void response.writeHead(status).end();
    const { port, pathname, search } = new URL(incoming.url ?? '');
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const onward = request({ host: '127.0.0.1', port, path: pathname + search, method: incoming.method, headers });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, response, () => undefined);
    });
    onward.on('error', () => response.writeHead(502).end());
    incoming.pipe(onward);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    requests.push(`CONNECT ${incoming.url}`);
    const status = statusFor(incoming);
    socket.on('error', () => undefined);
    if (status !== null) return void socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    const onward = connect(Number(incoming.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      pipeline(onward, socket, onward, () => undefined);
    });
    sockets.add(onward);
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: ConnectProxy = {
    url: `http://${credentials === undefined ? '' : `${credentials}@`}${host}`,
    host,
    requests,
    authorizations,
    status: null,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
