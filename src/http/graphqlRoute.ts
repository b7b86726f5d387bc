import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Latchkey } from '../latchkey.js';
import { askApollo } from './askApollo.js';
import { refusingUsedUp, type UnreadCounter } from './usedUp.js';
import { afterBody, type AuthenticationHook } from './authentication.js';
import type { Connections } from './connections.js';
import { graphiqlPage } from './graphiql.js';
import { KnownOperations } from './knownOperations.js';
import type { Moments } from './moments.js';
import { OperationRunner } from './operationRunner.js';
import type { RequestContext } from './requestContext.js';
import { sendAnswer } from './sendAnswer.js';
import { openingPlugin } from './opening.js';
import { createTracePlugin } from './tracing.js';
import type { Tracing } from '../tracing/tracing.js';

export interface GraphqlRouteOptions {
  readonly latchkey: Latchkey;
  readonly schema: GraphQLSchema;
  readonly logger: FastifyBaseLogger;
  readonly tracing: Tracing | null;
  readonly authenticate: AuthenticationHook;
  readonly moments: Moments;
  readonly connections: Connections;
  readonly unread: UnreadCounter;
}

/**
 * /graphql: operations by POST and GET, and GraphiQL for a browser. The credential is judged before the body is read, so
 * that a bad key costs a stranger no parsing.
 *
 * @returns what answers them, for streams to be judged by as well
 */
export async function graphqlRoute(
  app: FastifyInstance,
  options: GraphqlRouteOptions,
): Promise<ApolloServer<RequestContext>> {
  const { latchkey, schema, logger, tracing, authenticate, moments, connections } = options;
  const { answerFault: unread, countUnseen } = options.unread;
  const known = new KnownOperations(schema);
  const runner = new OperationRunner(schema, latchkey.serverOptions);
  const apollo = new ApolloServer<RequestContext>({
    schema,
    ...latchkey.serverOptions,
    plugins: [
      openingPlugin,
      // Before the guard, which may refuse. Not with traces, which tell of Apollo Server's steps.
      ...(tracing === null ? [known.plugin] : []),
      ...(latchkey.serverOptions.plugins ?? []),
      ...(tracing === null ? [] : [createTracePlugin(tracing)]),
      // Apollo's own page comes from a CDN, and to any browser's GET, one with a query included.
      ApolloServerPluginLandingPageDisabled(),
      // It is for subgraphs, which the service's own schema is not, and loads a fifth of a megabyte at each start to find out.
      ApolloServerPluginInlineTraceDisabled(),
    ],
    logger,
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    onRequest: (request, reply, done) => {
      if (wantsGraphiql(request)) void sendGraphiql(latchkey, request, reply).catch(done);
      else authenticate(request, reply, refusingUsedUp(latchkey, request, done));
    },
    preHandler: afterBody(latchkey, moments),
    errorHandler: (error, request, reply) => void unread(error, request, reply),
    handler: async (request, reply) => {
      const { principal, id: requestId, outcome } = request;
      const origin = { address: request.caller.address, userAgent: request.headers['user-agent'] ?? null };
      const context: RequestContext = {
        principal,
        origin,
        requestId,
        outcome,
        counted: principal.kind === 'anonymous',
        opening: null,
      };
      const operation = isPlain(request) ? known.find(request.body) : null;
      if (operation !== null)
        return sendAnswer(request, reply, await runner.answer(operation, context), connections.isLeaving);
      // Once more: any number of requests may have passed the first look while their bodies were on the way.
      await latchkey.checkLimits(principal);
      const answer = await askApollo(apollo, request, context);
      await countUnseen(principal, outcome);
      return sendAnswer(request, reply, answer, connections.isLeaving);
    },
  });
  return apollo;
}

/** Neither forged by a page, which can send no credential, nor in want of a certain form of answer. */
function isPlain({ method, principal, headers: { accept = '*/*' } }: FastifyRequest): boolean {
  return method === 'POST' && principal.kind !== 'anonymous' && accept === '*/*';
}

/** A browser that opens the address, not a client that asks by GET. */
function wantsGraphiql(request: FastifyRequest): boolean {
  const { query } = request.query as Record<string, unknown>;
  return request.method === 'GET' && query === undefined && (request.headers.accept ?? '').includes('text/html');
}

/** The page is the same for everybody, and counts as a request of the visitor's network. */
async function sendGraphiql(
  latchkey: Pick<Latchkey, 'authenticate' | 'arrived'>,
  { caller }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  await latchkey.arrived(await latchkey.authenticate({ headers: {}, rawHeaders: [], ip: caller.address }));
  const { body, headers } = await graphiqlPage();
  return reply.headers(headers).send(body);
}
