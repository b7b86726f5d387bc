import { conformance, type ConformanceServer } from '../../src/conformance.js';
import { installApart } from './apart.js';
import { serveFunction } from './bridge.js';

interface Example {
  readonly createHandler: (given: ConformanceServer) => (request: Request) => Promise<Response>;
}

// Without Next.js itself: it is large, and a route handler only takes and returns objects of the Fetch API.
const load = installApart<Example>('next', '@as-integrations/next@4.1.0');

const cases = conformance({
  async start(given) {
    const { createHandler } = await load();
    const handler = createHandler(given);
    return serveFunction(async ({ method, url, headers, body }) => {
      const init = { method, headers, ...(method !== 'GET' && { body }) };
      const response = await handler(new Request(`http://localhost${url}`, init));
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
    });
  },
  exceptions: ['NO_STREAMS', 'UNCOUNTED_REQUESTS', 'JOINED_HEADERS', 'NO_ADDRESS'],
});

test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
