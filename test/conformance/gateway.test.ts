import { conformance } from '../../src/conformance.js';
import type { StreamProtocol } from '../../src/conformance/conformanceOptions.js';
import { createGuarding, startBehindGateway, type Guarding } from './gatewayWorld.js';

const casesBy = (protocol: StreamProtocol) =>
  conformance<Guarding>({
    createLatchkey: createGuarding,
    start: startBehindGateway(protocol),
    exceptions: [
      // Fastify's JSON parser.
      'NO_PROTO_KEYS',
      // The upstream runs the operations, and its responses are passed on as they arrive.
      'OWN_GUARD',
      'UNSEEN_VALUES',
      'UNCOUNTED_FIELDS',
      'FORWARDED_ERRORS',
      'SEPARATE_INTROSPECTION',
    ],
  }).map((each) => [each.name, each] as const);

test.each(casesBy('graphql-sse'))('%s', (_, { run }) => run());

describe('over WebSockets', () => {
  test.each(casesBy('graphql-transport-ws').filter(([name]) => /subscription/i.test(name)))('%s', (_, { run }) =>
    run(),
  );
});
