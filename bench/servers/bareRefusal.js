import { once } from 'node:events';
import { createServer } from 'node:http';
import { serve } from '../lib/serve.js';

/** A server without a framework, which refuses every request with a prepared response and never reads a body. */
await serve(async () => {
  const body = '{"errors":[{"message":"The API key is unknown."}]}';
  const fields = { 'content-type': 'application/json; charset=utf-8', 'content-length': String(body.length) };
  const server = createServer((_request, response) => {
    response.writeHead(401, fields);
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ready: { url: `http://127.0.0.1:${server.address().port}/graphql` },
    close: async () => void server.close(),
  };
});
