import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import Fastify, { LogController } from 'fastify';
import { randomUUID } from 'node:crypto';
import { apolloOptions } from '../../build/apollo.js';
import { askApollo } from '../../build/server/http/askApollo.js';
import { documentBounds, MAX_BODY_BYTES } from '../../build/core/guard/document/documentBounds.js';
import { ANONYMOUS } from '../../build/core/auth/principal.js';
import { sendAnswer } from '../../build/server/http/sendAnswer.js';
import { silent } from './latchkey.js';

/**
 * Creates the HTTP stack of Latchkey's own server without credentials, guard and limits: Fastify, Apollo Server, and
 * the handler between them.
 *
 * @param {object} options
 * @param {import('graphql').GraphQLSchema} [options.schema]
 * @param {object} [options.gateway] in place of a schema
 * @param {(authorization: string | undefined) => unknown} [options.context] absent if no credential is looked at
 * @param {'latchkey' | 'package'} [options.handler] Latchkey's own, or that of \@as-integrations/fastify
 * @param {import('../../build/assembly/libraryApi.js').Latchkey} [options.latchkey] guards it, as somebody's own server is guarded
 * @param {boolean} [options.stock] both as they come, without the options that Latchkey's server gives them
 */
export async function bareServer({ schema, gateway, context, latchkey, handler = 'latchkey', stock = false }) {
  const app = stock ? Fastify({ loggerInstance: silent }) : Fastify(fastifyOptions());
  const own = {
    ...(gateway === undefined ? { schema } : { gateway }),
    ...(stock ? {} : latchkey ? { plugins: unguardedOptions().plugins } : unguardedOptions()),
    logger: silent,
    stopOnTerminationSignals: false,
  };
  const apollo = new ApolloServer(latchkey ? apolloOptions(latchkey, own) : own);
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());
  app.decorateRequest('principal');
  app.addHook('onRequest', context === undefined ? takeNothing : takeCredential);
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler:
      handler === 'package'
        ? fastifyApolloHandler(apollo, latchkey && { context: latchkey.context })
        : ownHandler(apollo, context),
  });
  return app;
}

function takeNothing(request, _reply, done) {
  request.principal = ANONYMOUS;
  done();
}

/** Latchkey's handler passes no credential to Apollo Server, so the principal carries what the context needs. */
function takeCredential(request, _reply, done) {
  request.principal = { kind: 'unjudged', authorization: request.headers.authorization };
  done();
}

/** The path of an operation in Latchkey's server that is not cached yet. */
function ownHandler(apollo, context = () => ({})) {
  return async (request, reply) => {
    const inContext = {
      executeHTTPGraphQLRequest: ({ httpGraphQLRequest }) =>
        apollo.executeHTTPGraphQLRequest({
          httpGraphQLRequest,
          context: async () => context(request.principal.authorization),
        }),
    };
    return sendAnswer(request, reply, await askApollo(inContext, request), false);
  };
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

function unguardedOptions() {
  return {
    plugins: [ApolloServerPluginCacheControlDisabled(), ApolloServerPluginLandingPageDisabled()],
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
