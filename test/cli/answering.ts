import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Asked {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/** A server that is not ours: whoever owns the address that LATCHKEY_URL names answers what they like. */
export async function answering(answer: (asked: Asked) => object): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ data: answer(JSON.parse(body) as Asked) }));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
