import { conformance, type ConformanceServer } from '../../src/conformance.js';
import { installApart } from './apart.js';
import { serveFunction, type Arrived } from './bridge.js';

interface Result {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Example {
  readonly createHandler: (given: ConformanceServer) => (event: object, context: object) => Promise<Result>;
}

/** Returns an event of API Gateway in format 2.0, in which fields that were sent twice are joined. */
function eventOf({ method, url, headers, address, body }: Arrived): object {
  const { pathname, search } = new URL(url, 'http://localhost');
  return {
    version: '2.0',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers,
    requestContext: { http: { method, path: pathname, sourceIp: address } },
    body: body.toString('base64'),
    isBase64Encoded: true,
  };
}

// The package needs Node 22.
const load = installApart<Example>('lambda', '@as-integrations/aws-lambda@4.1.0');

const cases = conformance({
  async start(given) {
    const { createHandler } = await load();
    const handler = createHandler(given);
    return serveFunction(async (request) => {
      const { statusCode, headers = {}, body } = await handler(eventOf(request), {});
      return { status: statusCode, headers, body };
    });
  },
  exceptions: ['NO_STREAMS', 'UNCOUNTED_REQUESTS', 'JOINED_HEADERS'],
});

test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
