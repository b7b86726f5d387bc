import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Asked {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/**
 * Another server: the owner of the address in LATCHKEY_URL can send any response.
 *
 * @param answer returns the data, or an object with `errors`, which is sent as it is
 */
export async function answering(answer: (asked: Asked) => object): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      // A GET reads schema.graphql and has no operation.
      const asked = body === '' ? { query: '', variables: {} } : (JSON.parse(body) as Asked);
      const data = answer(asked);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify('errors' in data ? data : { data }));
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
