import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { GraphQLError } from 'graphql';
import type { Readable } from 'node:stream';
import { unauthenticated } from '../../core/auth/authenticator.js';
import { asksForCost, COST_FIELD } from '../../core/auth/costField.js';
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
import { askedInAddress, askedInBody, bodyOf, forwardedAs, parametersOf, type Asked } from './asked.js';
import { ForwardedAnswer } from './forwardedAnswer.js';
import { CostTap, settleBy, withCost } from './forwardedCost.js';
import type { Gateway } from './gateway.js';
import { fieldsForWhole, requestFields } from './requestFields.js';
import { sendWhole } from './sendWhole.js';
import type { Admitted, Answered, Judged } from './operationJudge.js';
import { StreamPermit, type StreamPermitOptions } from './streamPermit.js';
import { readUpload, type Upload } from './uploads.js';
import type { Sent } from './upstream.js';

interface GatewayRouteOptions {
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

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** An operation that has arrived. */
interface Arrived extends Exchange {
  readonly asked: Asked;
  /** null if the request has no files. */
  readonly upload: Upload | null;
}

/** An operation on its way to the upstream. */
interface Forwarding extends Arrived {
  readonly admitted: Admitted;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The text of a JSON body, on routes with `keepsText`; else null. */
    bodyText: string | null;
  }
  interface FastifyContextConfig {
    /** Keeps the text of a JSON body in addition to its value. */
    readonly keepsText?: true;
  }
}

/**
 * Serves /graphql of a gateway: operations are checked and counted like those of a server without a gateway, and then sent to the upstream.
 * Only the checked parts are forwarded: the text of the operation, its name and its variables.
 */
export function gatewayRoute(app: FastifyInstance, options: GatewayRouteOptions): void {
  const { gateway, latchkey, authenticate, moments, unread, observer } = options;
  app.addHook('onClose', () => gateway.close());
  const route: RouteOptions = {
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    config: { keepsText: true, uploadTime: gateway.uploadTime },
    onRequest: (request, reply, done) => {
      if (wantsGraphiql(request)) void sendGraphiql(latchkey, request, reply).catch(done);
      else authenticate(request, reply, refusingUsedUp(latchkey, request, done));
    },
    preHandler: afterBody(latchkey, moments, streamCredential),
    errorHandler: (error, request, reply) => void unread.answerFault(error, request, reply),
    handler: (request, reply) => {
      reply.raw.on('close', () => {
        if (!reply.raw.writableFinished) noteAnswer(request, reply, observer);
      });
      const exchange = { request, reply };
      const checked = latchkey.checkLimits(request.principal);
      if (checked instanceof Promise) return checked.then(() => serve(options, exchange));
      const served = serve(options, exchange);
      // Fastify would wait for the end of this response.
      return served === reply ? undefined : served;
    },
  };
  void app.register((scope, _options, done) => {
    // Only here: on other routes, such a body is refused before it is read.
    scope.addContentTypeParser('multipart/form-data', (_request, payload, parsed) => parsed(null, payload));
    scope.route(route);
    done();
  });
}

/** A body that Fastify sends; the reply, or undefined, for a response that is written elsewhere. */
type Served = ReturnType<typeof sendAnswer> | FastifyReply;

/**
 * Judges an operation, and forwards it or answers it. Not a promise for a known key whose limits are counted in this process: an
 * async function, and each of its awaits, would create one.
 */
function serve(options: GatewayRouteOptions, exchange: Exchange): Served | Promise<Served> {
  if (isUpload(exchange.request)) return serveUpload(options, exchange);
  let asked: Asked;
  try {
    asked = askedBy(exchange.request);
  } catch (error) {
    return refuseUnread(options, exchange, error);
  }
  const { request, reply } = exchange;
  return judge(options, { request, reply, asked, upload: null });
}

async function serveUpload(options: GatewayRouteOptions, exchange: Exchange): Promise<Served> {
  let upload: Upload;
  try {
    upload = await uploadOf(exchange.request, options);
  } catch (error) {
    return refuseUnread(options, exchange, error);
  }
  return judge(options, { ...exchange, asked: upload.asked, upload });
}

/** Answers a request that has no valid operation. */
function refuseUnread(
  options: GatewayRouteOptions,
  { request, reply }: Exchange,
  error: unknown,
): Served | Promise<Served> {
  if (!(error instanceof GraphQLError)) {
    // Counted as a body that could not be read.
    request.body = undefined;
    throw error;
  }
  const refused = options.gateway.judge.refuse(error, contextOf(request));
  return refused instanceof Promise
    ? refused.then((late) => answer(options, { request, reply }, late))
    : answer(options, { request, reply }, refused);
}

function judge(options: GatewayRouteOptions, arrived: Arrived): Served | Promise<Served> {
  const { request, asked } = arrived;
  const arrival = { streams: wantsStream(request), isGet: request.method === 'GET' };
  const judged = options.gateway.judge.judge(asked, contextOf(request), arrival);
  return judged instanceof Promise
    ? judged.then((late) => conclude(options, arrived, late))
    : conclude(options, arrived, judged);
}

function conclude(options: GatewayRouteOptions, arrived: Arrived, judged: Judged): Served | Promise<Served> {
  if (judged.kind === 'admitted') {
    const { request, reply, asked, upload } = arrived;
    return forward(options, { request, reply, asked, upload, admitted: judged });
  }
  arrived.upload?.discard();
  return answer(options, arrived, judged);
}

function answer(
  { connections }: GatewayRouteOptions,
  { request, reply }: Exchange,
  { answer: given }: Answered,
): Served {
  const closes = isUpload(request);
  if (closes) reply.header('connection', 'close');
  return sendAnswer(request, reply, given, connections.isLeaving || closes);
}

/** Reads the operation of an upload, and authenticates the request again, because that may take long. */
async function uploadOf(request: FastifyRequest, { gateway, latchkey }: GatewayRouteOptions): Promise<Upload> {
  if (isSimple(request)) throw simple();
  const upload = await readUpload(request.body as Readable, request.headers, gateway.maxUploadBytes);
  if (request.principal.kind !== 'anonymous') {
    try {
      request.principal = await latchkey.reauthenticate(streamCredential(request));
    } catch (error) {
      upload.discard();
      throw error;
    }
  }
  return upload;
}

function isUpload({ method, headers: { 'content-type': type = '' } }: FastifyRequest): boolean {
  return method === 'POST' && type !== 'application/json' && /^\s*multipart\/form-data\b/i.test(type);
}

/** Sends an admitted operation to the upstream, and its response to the caller. */
function forward(options: GatewayRouteOptions, forwarding: Forwarding): Served | Promise<Served> {
  const { gateway } = options;
  const { request, reply, admitted } = forwarding;
  const fail = (error: unknown): FastifyReply => answerFailed(options, forwarding, error);
  try {
    const complete = completionOf(request, admitted);
    const sent = sentOf(gateway, forwarding, complete !== null);
    if (complete !== null) return sendWhole(options, forwarding, { complete, sent }).catch(fail);
    // Frees the text, which would otherwise stay in memory while the response is sent.
    request.body = undefined;
    request.bodyText = null;
    if (admitted.operation.operation.valueOf() !== 'subscription') {
      send(options, forwarding, { sent, place: null });
      return reply;
    }
    // Before the upstream begins to work, unlike the place of a query whose response turns out to be a stream.
    return placeFor(request, options)
      .then((place) => {
        send(options, forwarding, { sent, place });
        return reply;
      })
      .catch(fail);
  } catch (error) {
    return fail(error);
  }
}

/** Returns a function that changes the body of the response; null if it is passed on as it arrives. */
function completionOf(request: FastifyRequest, { filtered, cost }: Admitted): ((body: string) => string) | null {
  // The parts of a stream have no extensions of the whole.
  const reports = cost !== null && asksForCost(request.headers[COST_FIELD]) && !wantsStream(request);
  if (filtered === null && !reports) return null;
  return (body) => {
    const costs = cost && settleBy(cost, body);
    const completed = filtered === null ? body : filtered.complete(body);
    return reports && costs !== null ? withCost(completed, costs) : completed;
  };
}

interface Sending {
  readonly sent: Sent;
  /** The caller's place among the streams; null if it needs none so far. */
  readonly place: Place | null;
}

function send(options: GatewayRouteOptions, forwarding: Forwarding, { sent, place: reserved }: Sending): void {
  const { gateway, connections } = options;
  const { request, reply, admitted } = forwarding;
  const { cost } = admitted;
  let place = reserved;
  let tap: CostTap | null = null;
  const answered = new ForwardedAnswer({
    reply,
    fields: gateway.fields,
    headers: admitted.headers,
    maxBytes: options.maxBytes,
    timeout: gateway.upstream.timeout,
    waitsForCaller: () => !request.raw.complete && !request.raw.isPaused(),
    closes: () => connections.isLast(request.raw),
    stream: async (end) => {
      const { principal } = request;
      // Anonymous callers have no places. Their streams have the time of other responses.
      if (principal.kind === 'anonymous') return null;
      place ??= await placeFor(request, options);
      return opened(options, forwarding, { principal, place, end });
    },
    tap: cost && ((headers) => (tap = new CostTap(cost, headers))),
    onFault: (error) => void answerFailed(options, forwarding, error),
    onEnd: (outcome) => {
      // A stream, or no response.
      if (tap === null) cost?.settle(null);
      place?.giveBack();
      gateway.onAnswer(outcome);
    },
  });
  forwarding.upload?.onProgress(() => answered.extend());
  answered.sendTo(gateway.upstream, sent);
}

/** Answers an operation for which the upstream has sent no response. */
function answerFailed(
  { latchkey }: GatewayRouteOptions,
  { reply, upload, admitted }: Forwarding,
  error: unknown,
): FastifyReply {
  admitted.cost?.settle(null);
  if (upload !== null) {
    upload.discard();
    reply.header('connection', 'close');
  }
  for (const [name, value] of admitted.headers) reply.header(name, value);
  return answerError(error, reply, latchkey.resourceMetadata());
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
  const { schema, document, operation } = admitted;
  const { query: source, variables } = asked;
  const permit = new StreamPermit({
    ...{ streams, latchkey, request },
    ...opening,
    endsAtStop: operation.operation.valueOf() === 'subscription',
    review: (principal) => gateway.review({ schema, source, document, operation, variables }, principal),
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

function sentOf(gateway: Gateway, forwarding: Forwarding, isWhole: boolean): Sent {
  const { request, admitted, upload } = forwarding;
  const asked = forwardedAs(forwarding.asked, admitted.filtered);
  const headers = isWhole ? fieldsForWhole(gateway, request) : requestFields(gateway, request);
  const isSafe = admitted.operation.operation.valueOf() === 'query';
  if (request.method === 'GET') {
    // Servers that refuse simple requests of pages want this. The gateway has checked it.
    if (request.raw.headers['apollo-require-preflight'] === undefined) headers.push('apollo-require-preflight', 'true');
    return { method: 'GET', search: `?${parametersOf(asked)}`, headers, body: null, isSafe };
  }
  if (upload !== null) {
    if (request.raw.headers['apollo-require-preflight'] === undefined) headers.push('apollo-require-preflight', 'true');
    // A file can't be sent twice.
    return {
      method: 'POST',
      headers: [...headers, 'content-type', upload.contentType],
      body: upload.body(asked),
      isSafe: false,
    };
  }
  headers.push('content-type', 'application/json');
  return { method: 'POST', headers, body: bodyOf(asked), isSafe };
}

/** Returns whether a page of any origin could have sent this GET request, because no part of it needs a preflight request (B35). */
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
