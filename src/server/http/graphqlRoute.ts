import { asksForCost, COST_FIELD } from '../../core/auth/costField.js';
import { ApolloServer } from '@apollo/server';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { createServerOptions } from '../../adapters/apollo/serverOptions.js';
import type { Assembly } from '../../assembly/assembly.js';
import { askApollo } from './askApollo.js';
import { refusingUsedUp, type UnreadCounter } from './usedUp.js';
import { afterBody, type AuthenticationHook } from './authentication.js';
import type { Connections } from './connections.js';
import { EarlyRefusals } from './earlyRefusals.js';
import { graphiqlPage } from './graphiql.js';
import { KnownOperations } from '../../core/guard/known/knownOperations.js';
import { OperationRunner } from '../../core/guard/known/operationRunner.js';
import { formattedError } from '../../core/guard/request/plainReply.js';
import { rememberDocuments } from '../../adapters/apollo/fastPath/rememberDocuments.js';
import type { Moments } from './changeMoments.js';
import type { RequestContext } from './requestContext.js';
import { sendAnswer } from './sendAnswer.js';
import { openingPlugin } from './opening.js';
import { createTracePlugin } from './traceRequests.js';
import type { Tracing } from '../tracing/tracing.js';
import { withoutApollo } from './withoutApollo.js';

interface GraphqlRouteOptions {
  readonly latchkey: Assembly;
  readonly schema: GraphQLSchema;
  readonly logger: FastifyBaseLogger;
  readonly tracing: Tracing | null;
  readonly authenticate: AuthenticationHook;
  readonly moments: Moments;
  readonly connections: Connections;
  readonly unread: UnreadCounter;
  /** Where operations are served. Default: /graphql. */
  readonly paths?: readonly string[];
}

interface GraphqlRoute {
  /** Also checks streams. */
  readonly apollo: ApolloServer<RequestContext>;
  readonly known: KnownOperations;
  readonly runner: OperationRunner;
}

/**
 * Serves /graphql: operations by POST and GET, and GraphiQL for a browser. The credential is checked before the body is
 * read, so that requests with an invalid key cause no parsing.
 */
export async function graphqlRoute(app: FastifyInstance, options: GraphqlRouteOptions): Promise<GraphqlRoute> {
  const { latchkey, schema, logger, tracing, authenticate, moments, connections, paths = ['/graphql'] } = options;
  const { answerFault: unread, countUnseen } = options.unread;
  const { limiter, rateLimitHeaders } = latchkey;
  const resourceMetadata = (): string | null => latchkey.resourceMetadata();
  const early = new EarlyRefusals({ limiter, rateLimitHeaders, resourceMetadata, connections, logger });
  const known = new KnownOperations(schema);
  const guarded = createServerOptions(latchkey.requests);
  const { executionOptions } = guarded;
  const runner = new OperationRunner({
    schema,
    known,
    guard: latchkey.requests,
    format: formattedError,
    logger,
    executionOptions,
  });
  const apollo = new ApolloServer<RequestContext>({
    schema,
    ...guarded,
    plugins: [
      openingPlugin,
      // Before the guard, because that may refuse. Not with tracing, which reports Apollo Server's steps.
      ...(tracing === null ? [rememberDocuments(known)] : []),
      ...(guarded.plugins ?? []),
      ...(tracing === null ? [] : [createTracePlugin(tracing)]),
      ...withoutApollo(),
    ],
    logger,
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());
  const route: Omit<RouteOptions, 'url'> = {
    method: ['GET', 'POST'],
    onRequest: (request, reply, done) => {
      if (wantsGraphiql(request)) void sendGraphiql(latchkey, request, reply).catch(done);
      else authenticate(request, reply, refusingUsedUp(latchkey, request, early.around(request, reply, done)));
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
        reportsCost: asksForCost(request.headers[COST_FIELD]),
        opening: null,
      };
      const operation = isPlain(request) ? known.find(request.body) : null;
      if (operation !== null)
        return sendAnswer(request, reply, await runner.answer(operation, context), connections.isLeaving);
      // Checked again, because many requests may have passed the first check while their bodies were arriving.
      await latchkey.checkLimits(principal);
      const answer = await askApollo(apollo, request, context);
      await countUnseen(principal, outcome);
      return sendAnswer(request, reply, answer, connections.isLeaving);
    },
  };
  for (const url of paths) app.route({ ...route, url });
  return { apollo, known, runner };
}

/**
 * Returns whether a request needs no CSRF check, because a page can't send a credential, and no content negotiation.
 */
function isPlain({ method, principal, headers: { accept = '*/*' } }: FastifyRequest): boolean {
  return method === 'POST' && principal.kind !== 'anonymous' && accept === '*/*';
}

/** Returns whether a browser opens the address, as opposed to a client that sends a query by GET. */
export function wantsGraphiql(request: FastifyRequest): boolean {
  const { query } = request.query as Record<string, unknown>;
  return request.method === 'GET' && query === undefined && (request.headers.accept ?? '').includes('text/html');
}

/** Sends GraphiQL's page, and counts an anonymous request of the visitor's network. */
export async function sendGraphiql(
  latchkey: Pick<Assembly, 'authenticate' | 'arrived'>,
  { caller, routeOptions: { url = '/graphql' } }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  await latchkey.arrived(await latchkey.authenticate({ headers: {}, rawHeaders: [], ip: caller.address }));
  const { body, headers } = await graphiqlPage(url);
  return reply.headers(headers).send(body);
}
