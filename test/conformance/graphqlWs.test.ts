import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { apolloOptions } from '../../src/apollo.js';
import { conformance } from '../../src/conformance.js';
import { latchkeyWs } from '../../src/graphqlWs.js';

/** Subscriptions over WebSockets, next to Apollo Server for requests over HTTP. */
const cases = conformance({
  async start({ schema, latchkey }) {
    const apollo = new ApolloServer(apolloOptions(latchkey, { schema, stopOnTerminationSignals: false }));
    const { url } = await startStandaloneServer(apollo, {
      context: latchkey.context,
      listen: { port: 0, host: '127.0.0.1' },
    });
    const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/graphql' });
    const serving = useServer(latchkeyWs(latchkey, { schema, sockets }), sockets);
    await once(sockets, 'listening');
    const { port } = sockets.address() as AddressInfo;
    return {
      url,
      streams: { protocol: 'graphql-transport-ws', url: `ws://127.0.0.1:${port}/graphql` },
      async close() {
        for (const socket of sockets.clients) socket.terminate();
        await serving.dispose();
        await apollo.stop();
      },
    };
  },
  exceptions: ['UNCOUNTED_REQUESTS'],
});

test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
