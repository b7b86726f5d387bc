import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { conformance } from '../../src/conformance.js';
import { useLatchkey } from '../../src/yoga.js';

/**
 * Imported by a name that the compiler does not resolve, because the types of its packages replace the types of `fetch` in the whole
 * project.
 */
const YOGA = 'graphql-yoga';
const { createYoga } = (await import(YOGA)) as { createYoga: (options: object) => RequestListener };

const cases = conformance({
  async start({ schema, latchkey }) {
    const plugins = [useLatchkey(latchkey)];
    const fast = { parserAndValidationCache: false, maxRequestBodySize: false };
    const yoga = createYoga({ schema, logging: false, ...fast, plugins });
    const server = createServer(yoga).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    return {
      url,
      streams: { protocol: 'graphql-sse', url },
      close() {
        server.closeAllConnections();
        server.close();
      },
    };
  },
});

test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
