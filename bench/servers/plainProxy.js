import { createServer } from 'node:http';
import { Pool } from 'undici';
import { serve } from '../lib/serve.js';

/** Forwards each request and checks nothing: the least that a proxy in Node does. */
await serve(async ({ upstream }) => {
  const { origin, pathname } = new URL(upstream);
  const pool = new Pool(origin, { connections: 1_000, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text) => (body += text));
    request.on('end', () =>
      pool.dispatch(
        { method: 'POST', path: pathname, headers: ['content-type', 'application/json'], body },
        {
          onRequestStart() {},
          onResponseStart(_controller, status, headers) {
            // Node writes these itself.
            delete headers.connection;
            delete headers['keep-alive'];
            delete headers['transfer-encoding'];
            response.writeHead(status, headers);
          },
          onResponseData: (_controller, chunk) => response.write(chunk),
          onResponseEnd: () => response.end(),
          onResponseError: (_controller, error) => response.destroy(error),
        },
      ),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await pool.destroy();
  };
  return { ready: { url: `http://127.0.0.1:${server.address().port}/graphql` }, close };
});
