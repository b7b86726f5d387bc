import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { unauthenticated } from '../../core/auth/authenticator.js';
import type { Observer } from '../../core/observer/observer.js';
import { withHttp } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { Assembly } from '../../assembly/assembly.js';
import { answerError } from '../http/faults.js';
import { afterBody, type AuthenticationHook } from '../http/authentication.js';
import type { Moments } from '../http/changeMoments.js';
import type { Connections } from '../http/connections.js';
import { noteAnswer } from '../http/everyAnswer.js';
import { sendGraphiql, wantsGraphiql } from '../http/graphqlRoute.js';
import type { RequestContext } from '../http/requestContext.js';
import { sendAnswer } from '../http/sendAnswer.js';
import { streamCredential } from '../http/streamCredential.js';
import { refusingUsedUp, type UnreadCounter } from '../http/usedUp.js';
import type { OpenStreams, Place } from '../../core/streams/openStreams.js';
import { askedInAddress, askedInBody, bodyOf, parametersOf, type Asked } from './asked.js';
import { ForwardedAnswer } from './forwardedAnswer.js';
import type { Gateway } from './gateway.js';
import { requestFields } from './requestFields.js';
import type { Admitted } from './operationJudge.js';
import { StreamPermit, type StreamPermitOptions } from './streamPermit.js';
import type { Sent } from './upstream.js';

export interface GatewayRouteOptions {
  readonly gateway: Gateway;
  readonly latchkey: Assembly;
  /** Finds the credential in the address, too, for event streams. */
  readonly authenticate: AuthenticationHook;
  readonly moments: Moments;
  readonly connections: Connections;
  readonly unread: UnreadCounter;
  readonly streams: OpenStreams;
  readonly observer: Observer;
  /** The maximum size of a response, in bytes. */
  readonly maxBytes: number;
}

/** An operation on its way to the upstream. */
interface Forwarding {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly asked: Asked;
  readonly admitted: Admitted;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The text of a JSON body, on routes with `keepsText`; else null. */
    bodyText: string | null;
  }
  interface FastifyContextConfig {
    /** Keeps the text of a JSON body beside its value. */
    readonly keepsText?: true;
  }
}

/**
 * Serves /graphql of a gateway: operations are judged and counted like those of a server without a gateway, and then sent to the upstream.
 * Only what was judged is sent on: the text of the operation, its name and its variables.
 */
export function gatewayRoute(app: FastifyInstance, options: GatewayRouteOptions): void {
  const { gateway, latchkey, authenticate, moments, connections, unread, observer } = options;
  app.addHook('onClose', () => gateway.close());
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    config: { keepsText: true },
    onRequest: (request, reply, done) => {
      if (wantsGraphiql(request)) void sendGraphiql(latchkey, request, reply).catch(done);
      else authenticate(request, reply, refusingUsedUp(latchkey, request, done));
    },
    preHandler: afterBody(latchkey, moments, streamCredential),
    errorHandler: (error, request, reply) => void unread.answerFault(error, request, reply),
    handler: async (request, reply) => {
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) noteAnswer(request, reply, observer);
      });
      const { principal } = request;
      await latchkey.checkLimits(principal);
      const context = contextOf(request);
      let asked: Asked;
      try {
        asked = askedBy(request);
      } catch (error) {
        const { answer } = await gateway.judge.refuse(error, context);
        return sendAnswer(request, reply, answer, connections.isLeaving);
      }
      const judged = await gateway.judge.judge(asked, context, {
        streams: wantsStream(request),
        isGet: request.method === 'GET',
      });
      if (judged.kind === 'answered') return sendAnswer(request, reply, judged.answer, connections.isLeaving);
      return forward(options, { request, reply, asked, admitted: judged });
    },
  });
}

/** Sends an admitted operation to the upstream, and its response to the caller. */
async function forward(options: GatewayRouteOptions, forwarding: Forwarding): Promise<FastifyReply | undefined> {
  const { gateway, connections, latchkey } = options;
  const { request, reply, admitted } = forwarding;
  let place: Place | null = null;
  try {
    const sent = sentOf(gateway, request, forwarding);
    // Frees the text, which would otherwise stay in memory while the response is sent.
    request.body = undefined;
    request.bodyText = null;
    // Before the upstream begins to work, unlike the place of a query whose response turns out to be a stream.
    if (admitted.operation.operation.valueOf() === 'subscription') place = await placeFor(request, options);
    const answer = new ForwardedAnswer({
      reply,
      fields: gateway.fields,
      headers: admitted.headers,
      maxBytes: options.maxBytes,
      timeout: gateway.upstream.timeout,
      closes: () => connections.isLast(request.raw),
      stream: async (end) => {
        const { principal } = request;
        // Anonymous callers have no places. Their streams have the time of other responses.
        if (principal.kind === 'anonymous') return null;
        place ??= await placeFor(request, options);
        return opened(options, forwarding, { principal, place, end });
      },
      onEnd: (outcome) => {
        place?.giveBack();
        gateway.onAnswer(outcome);
      },
    });
    await answer.sendTo(gateway.upstream, sent);
    return undefined;
  } catch (error) {
    place?.giveBack();
    for (const [name, value] of admitted.headers) reply.header(name, value);
    return answerError(error, reply, latchkey.resourceMetadata());
  }
}

/** Takes a place among the streams of a key. Rejects with a Refusal. */
async function placeFor({ principal }: FastifyRequest, { streams, observer }: GatewayRouteOptions): Promise<Place> {
  if (principal.kind === 'anonymous') throw unauthenticated('missing');
  try {
    return await streams.take(principal);
  } catch (error) {
    if (error instanceof Refusal) observer.refused(principal.tier, error.details.code);
    throw error;
  }
}

type Opening = Pick<StreamPermitOptions, 'principal' | 'place' | 'end'>;

/** @returns a function to call at the end of the stream */
function opened(
  { gateway, latchkey, streams }: GatewayRouteOptions,
  forwarding: Forwarding,
  opening: Opening,
): () => void {
  const { request, admitted, asked } = forwarding;
  const { document, operation } = admitted;
  const { query: source, variables } = asked;
  const { schema } = gateway;
  const permit = new StreamPermit({
    ...{ streams, latchkey, request },
    ...opening,
    review: (principal) =>
      latchkey.requests.authorizer.review({ schema, source, document, operation, variables, principal }),
  });
  return () => permit.end();
}

function contextOf({ principal, id: requestId, outcome, caller, headers }: FastifyRequest): RequestContext {
  const origin = { address: caller.address, userAgent: headers['user-agent'] ?? null };
  return { principal, origin, requestId, outcome, counted: principal.kind === 'anonymous', opening: null };
}

/** @throws GraphQLError */
function askedBy(request: FastifyRequest): Asked {
  if (request.method === 'GET' && isSimple(request)) throw simple();
  if (request.method === 'GET') return askedInAddress(new URL(request.url, 'http://localhost').searchParams);
  return askedInBody(request.body, request.bodyText ?? '');
}

function sentOf(gateway: Gateway, request: FastifyRequest, { asked, admitted }: Forwarding): Sent {
  const headers = requestFields(gateway, request);
  const isSafe = admitted.operation.operation.valueOf() === 'query';
  if (request.method === 'GET') {
    // Servers that refuse simple requests of pages want this. The gateway has checked it.
    if (request.raw.headers['apollo-require-preflight'] === undefined) headers.push('apollo-require-preflight', 'true');
    return { method: 'GET', search: `?${parametersOf(asked)}`, headers, body: null, isSafe };
  }
  headers.push('content-type', 'application/json');
  return { method: 'POST', headers, body: bodyOf(asked), isSafe };
}

/** Returns whether a page of any origin could have sent this GET request, because nothing of it needs a preflight request (B35). */
function isSimple({ principal, raw: { headers } }: FastifyRequest): boolean {
  if (principal.kind !== 'anonymous') return false;
  const type = headers['content-type'];
  const isSimpleType =
    type === undefined || /^(?:application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i.test(type);
  return isSimpleType && PREFLIGHT.every((name) => headers[name] === undefined);
}

const PREFLIGHT = ['apollo-require-preflight', 'x-apollo-operation-name', 'graphql-require-preflight'] as const;

function simple(): Refusal {
  const message = `A request by GET without a key needs one of these header fields, so that no page of another origin can send it: ${PREFLIGHT.join(', ')}.`;
  return withHttp(new Refusal(message, { code: 'BAD_REQUEST' }));
}

/** Returns whether the caller reads event streams, or responses in several parts. */
function wantsStream({ headers: { accept = '' } }: FastifyRequest): boolean {
  return /text\/event-stream|multipart\/mixed/i.test(accept);
}
