import { startStandaloneServer } from '@apollo/server/standalone';
import { apolloOptions, FastApolloServer } from '../../src/apollo.js';
import { conformance } from '../../src/conformance.js';

const cases = conformance({
  async start({ schema, latchkey }) {
    const apollo = new FastApolloServer(apolloOptions(latchkey, { schema, stopOnTerminationSignals: false }));
    const { url } = await startStandaloneServer(apollo, {
      context: latchkey.context,
      listen: { port: 0, host: '127.0.0.1' },
    });
    return { url, close: () => apollo.stop() };
  },
  exceptions: ['NO_STREAMS', 'UNCOUNTED_REQUESTS'],
});

test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
