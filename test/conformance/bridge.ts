import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that has arrived completely. */
export interface Arrived {
  readonly method: string;
  /** The path and the query string. */
  readonly url: string;
  /** By name in lower case. Fields that were sent twice are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly address: string;
  readonly body: Buffer<ArrayBuffer>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Serves a function by HTTP, as a platform for functions does. */
export async function serveFunction(
  answer: (request: Arrived) => Promise<Reply>,
): Promise<{ url: string; close: () => Promise<unknown> }> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks = (await request.toArray()) as Uint8Array[];
      const { method = 'GET', url = '/', headersDistinct, socket } = request;
      const headers = Object.fromEntries(
        Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(', ')]),
      );
      const address = socket.remoteAddress ?? '';
      const {
        status,
        headers: fields,
        body,
      } = await answer({ method, url, headers, address, body: Buffer.concat(chunks) });
      response.writeHead(status, fields).end(body);
    })().catch(() => response.writeHead(500).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => new Promise((resolve) => server.close(resolve)) };
}
