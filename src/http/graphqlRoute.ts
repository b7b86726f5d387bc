import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Latchkey } from '../latchkey.js';
import { refuseRequest } from './faults.js';
import { graphiqlPage } from './graphiql.js';
import { createOutcomePlugin, type TellingContext } from './outcome.js';
import { createTracePlugin } from './tracing.js';
import type { Tracing } from '../tracing/tracing.js';

/** The GraphQL context of this server. */
export interface RequestContext extends TellingContext {
  /** As in the answer's X-Request-Id. */
  readonly requestId: string;
}

export interface GraphqlRouteOptions {
  readonly latchkey: Latchkey;
  readonly schema: GraphQLSchema;
  readonly logger: FastifyBaseLogger;
  readonly tracing: Tracing | null;
  readonly authenticate: (request: FastifyRequest) => Promise<void>;
}

/**
 * /graphql: operations by POST and GET, and GraphiQL for a browser. The credential is judged before the body is read, so
 * that a bad key costs a stranger no parsing.
 */
export async function graphqlRoute(app: FastifyInstance, options: GraphqlRouteOptions): Promise<void> {
  const { latchkey, schema, logger, tracing, authenticate } = options;
  const apollo = new ApolloServer<RequestContext>({
    schema,
    ...latchkey.serverOptions,
    plugins: [
      ...(latchkey.serverOptions.plugins ?? []),
      createOutcomePlugin(),
      ...(tracing === null ? [] : [createTracePlugin(tracing)]),
      fastifyApolloDrainPlugin(app),
      // Apollo's own page comes from a CDN, and to any browser's GET, one with a query included.
      ApolloServerPluginLandingPageDisabled(),
    ],
    logger,
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    onRequest: async (request, reply) => {
      if (!hasHost(request)) {
        return refuseRequest(reply, 'The Host header is not understood. Send the name of this server.');
      }
      if (wantsGraphiql(request)) return sendGraphiql(reply);
      await authenticate(request);
    },
    handler: fastifyApolloHandler(apollo, {
      context: async ({ principal, id, outcome }) => ({ principal, requestId: id, outcome }),
    }),
  });
}

/**
 * The adapter to Apollo Server makes a URL of the Host field: a bad one would throw there, be a 500, and put the whole
 * address into the log.
 */
function hasHost({ protocol, hostname, url }: FastifyRequest): boolean {
  return URL.canParse(url, `${protocol}://${hostname}/`);
}

/** A browser that opens the address, not a client that asks by GET. */
function wantsGraphiql(request: FastifyRequest): boolean {
  const { query } = request.query as Record<string, unknown>;
  return request.method === 'GET' && query === undefined && (request.headers.accept ?? '').includes('text/html');
}

async function sendGraphiql(reply: FastifyReply): Promise<FastifyReply> {
  const { body, headers } = await graphiqlPage();
  return reply.headers(headers).send(body);
}
