import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { expressMiddleware } from '@as-integrations/express5';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import express from 'express';
import Fastify from 'fastify';
import { createYoga } from 'graphql-yoga';
import mercurius from 'mercurius';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { apolloOptions, FastApolloServer } from '../../build/apollo.js';
import { latchkeyMercurius } from '../../build/mercurius.js';
import { useLatchkey } from '../../build/yoga.js';
import { addKey } from '../lib/keys.js';
import { guardedShop, openLatchkey, silent } from '../lib/latchkey.js';
import { serve } from '../lib/serve.js';
import { openShop } from '../lib/shop.js';

/**
 * Servers as their documentation starts them, by `options.server`. Each is called with `latchkey`, or without a guard.
 *
 * @typedef {{ schema: import('graphql').GraphQLSchema, latchkey: any, isFast: boolean }} Given
 */
const SERVERS = {
  async standalone(given) {
    const apollo = apolloOf(given);
    const { url } = await startStandaloneServer(apollo, {
      listen: { port: 0, host: '127.0.0.1' },
      ...(given.latchkey && { context: given.latchkey.context }),
    });
    return { url, close: () => apollo.stop() };
  },

  async express(given) {
    const apollo = apolloOf(given);
    await apollo.start();
    const app = express();
    app.use('/graphql', express.json(), expressMiddleware(apollo, contextOf(given)));
    return listening(createServer(app), () => apollo.stop());
  },

  async fastify(given) {
    const apollo = apolloOf(given);
    await apollo.start();
    const app = Fastify({ loggerInstance: silent });
    app.route({ method: ['GET', 'POST'], url: '/graphql', handler: fastifyApolloHandler(apollo, contextOf(given)) });
    return { url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`, close: () => app.close() };
  },

  async yoga({ schema, latchkey }) {
    const yoga = createYoga({
      schema,
      logging: false,
      ...(latchkey && { parserAndValidationCache: false, maxRequestBodySize: false, plugins: [useLatchkey(latchkey)] }),
    });
    return listening(createServer(yoga), () => yoga.dispose());
  },

  async mercurius({ schema, latchkey }) {
    const app = Fastify({ loggerInstance: silent });
    if (latchkey) await app.register(latchkeyMercurius, { latchkey, schema });
    else await app.register(mercurius, { schema });
    return { url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`, close: () => app.close() };
  },
};

await serve(async ({ server, guard = null, dataDir }) => {
  const { store, latchkey } = guard === null ? {} : await openLatchkey({ dataDir });
  const schema = latchkey ? guardedShop(latchkey) : openShop();
  const key = store && (await addKey(store));
  const { url, close } = await SERVERS[server]({ schema, latchkey, isFast: guard === 'fast' });
  return {
    ready: { url, headers: key === undefined ? {} : { authorization: `Bearer ${key}` } },
    async close() {
      await close();
      await latchkey?.close();
      await store?.close();
    },
  };
});

/** @param {Given} given */
function apolloOf({ schema, latchkey, isFast }) {
  const own = { schema, logger: silent, stopOnTerminationSignals: false };
  if (!latchkey) return new ApolloServer(own);
  return new (isFast ? FastApolloServer : ApolloServer)(apolloOptions(latchkey, own));
}

/** @param {Given} given */
function contextOf({ latchkey }) {
  return latchkey && { context: latchkey.context };
}

async function listening(server, close) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/graphql`,
    async close() {
      server.closeAllConnections();
      server.close();
      await close();
    },
  };
}
