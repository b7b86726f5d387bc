import type { ApolloServer } from '@apollo/server';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { unauthenticated } from '../../core/auth/authenticator.js';
import type { Observer } from '../../core/observer/observer.js';
import type { OpenStreams, Place } from '../../core/streams/openStreams.js';
import { Refusal } from '../../core/errors/refusal.js';
import { askOperation } from './askOperation.js';
import { afterBody, type AuthenticationHook } from './authentication.js';
import { BodyFault } from './bodyEncoding.js';
import type { Connections } from './connections.js';
import { noteAnswer } from './everyAnswer.js';
import { ALL_LIMIT_FIELDS } from '../../core/limits/limitHeaders.js';
import type { Moments } from './changeMoments.js';
import { Opening, type RequestContext } from './requestContext.js';
import { sendAnswer } from './sendAnswer.js';
import { streamCredential, wantsEvents } from './streamCredential.js';
import type { StreamOpener } from './streamOpener.js';
import type { Assembly } from '../../assembly/assembly.js';
import { refusingUsedUp, type UnreadCounter } from './usedUp.js';

interface StreamRouteOptions {
  /** With the opening plugin. */
  readonly apollo: Pick<ApolloServer<RequestContext>, 'executeHTTPGraphQLRequest'>;
  readonly streams: OpenStreams;
  readonly opener: StreamOpener;
  readonly observer: Observer;
  readonly authenticate: AuthenticationHook;
  readonly moments: Moments;
  readonly connections: Connections;
  readonly latchkey: Pick<Assembly, 'checkLimits' | 'usedUp' | 'reauthenticate'>;
  readonly unread: UnreadCounter;
  /** Where streams are served. Default: /graphql/stream. */
  readonly paths?: readonly string[];
}

/** The fields of Apollo Server's response that the stream's response also has. */
const TOLD = [...ALL_LIMIT_FIELDS, 'cache-control'];

/**
 * Serves /graphql/stream: subscriptions, as Server-Sent Events. They pass through the same checks as an operation on
 * /graphql, and are refused before the stream starts, with a plain response (B33, B34).
 */
export function streamRoute(app: FastifyInstance, options: StreamRouteOptions): void {
  const { apollo, streams, opener, observer, authenticate, moments, connections, latchkey } = options;
  const { answerFault, countUnseen } = options.unread;
  // Before the server waits for its connections, which streams would keep open.
  app.addHook('preClose', (done) => {
    streams.close();
    done();
  });
  const route: Omit<RouteOptions, 'url'> = {
    method: ['GET', 'POST'],
    // Fastify's own HEAD would run the handler and open a stream without a reader.
    exposeHeadRoute: false,
    onRequest: (request, reply, done) =>
      authenticate(request, reply, refusingUsedUp(latchkey, request, refusingOtherForms(request, done))),
    preHandler: afterBody(latchkey, moments, streamCredential),
    errorHandler: (error, request, reply) => void answerFault(error, request, reply),
    handler: async (request, reply) => {
      // Most streams end when the reader closes the connection.
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) noteAnswer(request, reply, observer);
      });
      const { principal, id: requestId, outcome } = request;
      const body = bodyOf(request);
      const place = await placeFor(request, streams, observer).catch(async (refusal: unknown) => {
        if (!isUnavailable(refusal)) await countUnseen(principal, outcome);
        throw refusal;
      });
      try {
        const origin = { address: request.caller.address, userAgent: request.headers['user-agent'] ?? null };
        const context: RequestContext = {
          ...{ principal, origin, requestId, outcome, counted: principal.kind === 'anonymous' },
          opening: new Opening(),
        };
        // Sent by POST, because Apollo Server accepts only queries by GET. Subscriptions change nothing, so GET is safe
        // here.
        await latchkey.checkLimits(principal);
        const answer = await askOperation(apollo, body, context);
        await countUnseen(principal, outcome);
        const admitted = context.opening?.admitted ?? null;
        if (admitted === null) return sendAnswer(request, reply, answer, connections.isLeaving);
        // Anonymous callers have no places: only callers that can be counted may keep a connection open, even for a
        // @public field.
        if (place === null) throw unauthenticated('missing');
        for (const name of TOLD) if (answer.headers.has(name)) reply.header(name, answer.headers.get(name));
        connections.unread.isStream(request.raw.socket);
        return await opener.open({ request, reply, context, admitted, place });
      } finally {
        place?.giveBack();
      }
    },
  };
  for (const url of options.paths ?? ['/graphql/stream']) app.route({ ...route, url });
}

/** Takes a place for a stream; null if the request is anonymous, and the guard must refuse it. Rejects with a Refusal. */
async function placeFor(
  { principal }: FastifyRequest,
  streams: OpenStreams,
  observer: Observer,
): Promise<Place | null> {
  if (principal.kind === 'anonymous') return null;
  try {
    return await streams.take(principal);
  } catch (error) {
    if (error instanceof Refusal) observer.refused(principal.tier, error.details.code);
    throw error;
  }
}

/** Continues an authentication hook: refuses a request for another format before its body is read. It is counted. */
function refusingOtherForms({ headers }: FastifyRequest, done: (error?: Error) => void): (error?: Error) => void {
  return (error) => {
    if (error !== undefined || wantsEvents(headers.accept)) done(error);
    else done(new BodyFault(406, 'Streams are Server-Sent Events. Send the header "Accept: text/event-stream".'));
  };
}

/** Returns whether a refusal says that nothing can be counted at the moment. */
function isUnavailable(error: unknown): boolean {
  return error instanceof Refusal && error.details.code === 'UNAVAILABLE';
}

/**
 * Returns the GraphQL request.
 *
 * @throws BodyFault if the URL can't be parsed
 */
function bodyOf({ method, body, query }: FastifyRequest): unknown {
  if (method === 'POST') return body ?? {};
  const { query: source, operationName, variables } = query as Record<string, unknown>;
  try {
    return {
      ...(source !== undefined && { query: source }),
      ...(operationName !== undefined && { operationName }),
      ...(typeof variables === 'string' && { variables: JSON.parse(variables) as unknown }),
    };
  } catch {
    throw new BodyFault(400, 'The variables in the address are not valid JSON. Send an object.');
  }
}
