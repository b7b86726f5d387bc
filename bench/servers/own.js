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
 * Servers as their documentation starts them, by `options.server`. Each is called with `latchkey`, or without a guard. With `fields`, it
 * sets these header fields of each response, and bounds bodies as a guarded server does.
 *
 * @typedef {{ schema: import('graphql').GraphQLSchema, latchkey: any, isFast: boolean, fields: Record<string, string> | null }} Given
 */
const SERVERS = {
  async standalone(given) {
    const apollo = apolloOf(given);
    const { url } = await startStandaloneServer(apollo, {
      listen: { port: 0, host: '127.0.0.1' },
      ...(given.latchkey && { context: given.latchkey.context }),
      ...(given.fields && { context: async ({ res }) => setFields(res, given.fields) }),
    });
    return { url, close: () => apollo.stop() };
  },

  async express(given) {
    const apollo = apolloOf(given);
    await apollo.start();
    const app = express();
    if (given.fields) app.use((_request, response, next) => (setFields(response, given.fields), next()));
    app.use('/graphql', express.json(), expressMiddleware(apollo, contextOf(given)));
    return listening(createServer(app), () => apollo.stop());
  },

  async fastify(given) {
    const apollo = apolloOf(given);
    await apollo.start();
    const app = Fastify({ loggerInstance: silent });
    addFields(app, given);
    app.route({ method: ['GET', 'POST'], url: '/graphql', handler: fastifyApolloHandler(apollo, contextOf(given)) });
    return { url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`, close: () => app.close() };
  },

  async yoga({ schema, latchkey, fields }) {
    const yoga = createYoga({
      schema,
      logging: false,
      ...((latchkey || fields) && { maxRequestBodySize: false }),
      ...(latchkey && { parserAndValidationCache: false, plugins: [useLatchkey(latchkey)] }),
    });
    const answer = (request, response) => (setFields(response, fields), yoga(request, response));
    return listening(createServer(fields ? answer : yoga), () => yoga.dispose());
  },

  async mercurius({ schema, latchkey, fields }) {
    const app = Fastify({ loggerInstance: silent });
    addFields(app, { fields });
    if (latchkey) await app.register(latchkeyMercurius, { latchkey, schema });
    else await app.register(mercurius, { schema });
    return { url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`, close: () => app.close() };
  },
};

/** The header fields of a guarded response. */
const FIELDS = {
  'ratelimit-policy': '"burst";q=1000000000;w=1, "rate";q=1000000000;w=60',
  ratelimit: '"rate";r=999999999;t=12',
  'cache-control': 'private, no-store',
};

/** A key of the usual length, which nobody reads. */
const UNREAD_KEY = `lks_live_${'0123456789'.repeat(6)}`;

/** @param guard plugin or fast; `fields`: no guard, but the header fields of a request and a response with one; null for none of these */
await serve(async ({ server, guard = null, dataDir }) => {
  const isGuarded = guard !== null && guard !== 'fields';
  const fields = guard === 'fields' ? FIELDS : null;
  const { store, latchkey } = isGuarded ? await openLatchkey({ dataDir }) : {};
  const schema = latchkey ? guardedShop(latchkey) : openShop();
  const key = store ? await addKey(store) : fields && UNREAD_KEY;
  const { url, close } = await SERVERS[server]({ schema, latchkey, isFast: guard === 'fast', fields });
  return {
    ready: { url, headers: key === null ? {} : { authorization: `Bearer ${key}` } },
    async close() {
      await close();
      await latchkey?.close();
      await store?.close();
    },
  };
});

function setFields(response, fields) {
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
  return {};
}

/** @param app of Fastify @param {Pick<Given, 'fields'>} given */
function addFields(app, { fields }) {
  if (fields) app.addHook('onRequest', (_request, reply, done) => (reply.headers(fields), done()));
}

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
