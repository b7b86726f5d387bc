import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify';
import Fastify, { LogController } from 'fastify';
import { randomUUID } from 'node:crypto';
import { documentBounds, MAX_BODY_BYTES } from '../../dist/http/bounds.js';
import { silent } from './latchkey.js';

/**
 * The HTTP stack of Latchkey's own server without credentials, guard and limits: Fastify and Apollo Server.
 *
 * @param {object} options
 * @param {import('graphql').GraphQLSchema} [options.schema]
 * @param {object} [options.gateway] in place of a schema
 * @param {(headers: import('node:http').IncomingHttpHeaders) => unknown} [options.context]
 * @param {boolean} [options.stock] both as they come, without the options that Latchkey's server gives them
 */
export async function bareServer({ schema, gateway, context = () => ({}), stock = false }) {
  const app = stock ? Fastify({ loggerInstance: silent }) : Fastify(fastifyOptions());
  const apollo = new ApolloServer({
    ...(gateway === undefined ? { schema } : { gateway }),
    ...(stock ? { plugins: [fastifyApolloDrainPlugin(app)] } : apolloOptions(app)),
    logger: silent,
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler: fastifyApolloHandler(apollo, { context: async (request) => context(request.headers) }),
  });
  return app;
}

function fastifyOptions() {
  return {
    loggerInstance: silent,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
  };
}

function apolloOptions(app) {
  return {
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      fastifyApolloDrainPlugin(app),
      ApolloServerPluginLandingPageDisabled(),
    ],
    introspection: true,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    csrfPrevention: {
      requestHeaders: ['authorization', 'x-api-key', 'x-apollo-operation-name', 'apollo-require-preflight'],
    },
    ...documentBounds(),
  };
}
