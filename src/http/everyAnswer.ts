import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ANONYMOUS, type Principal } from '../credentials/principal.js';
import type { RateLimitHeaders } from '../limits/fields.js';
import type { Limits } from '../limits/limits.js';
import type { Observer } from '../metrics/observer.js';
import type { Caller, Proxies } from '../net/proxies.js';
import { unavailable } from '../refusals/refusal.js';
import type { Connections } from './connections.js';
import { hasLimitFields, standingLimits, writeLimitFields } from './limitHeaders.js';
import { SharedAddresses } from './sharedAddress.js';
import { outcomeWord, type Outcome } from './outcome.js';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
    /** Fastify's own `ip` and `protocol` are those of the connection, and no proxy's. */
    caller: Caller;
    outcome: Outcome;
  }
}

export interface EveryAnswerOptions {
  readonly limiter: Limits;
  readonly rateLimitHeaders: () => RateLimitHeaders;
  readonly observer: Observer;
  readonly proxies: Proxies;
  readonly connections: Connections;
}

/**
 * What every answer has: a request id, where the key's limits stand, a line in the log, and a place in the metrics. To be
 * added before all else: an answer to a preflight is given in a hook of its own and passes through these as well.
 */
export function addToEveryAnswer(
  app: FastifyInstance,
  { limiter, rateLimitHeaders, observer, proxies, connections }: EveryAnswerOptions,
): void {
  const shared = new SharedAddresses(app.log);
  app.decorateRequest('principal');
  app.decorateRequest('authenticatedAt');
  app.decorateRequest('caller');
  app.decorateRequest('outcome');
  app.addHook('onRequest', (request, reply, done) => {
    identify(request, reply, proxies);
    if (connections.arrived(request.raw)) done();
    else done(unavailable('The server is stopping. Send the request again on a new connection.', 1));
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (connections.isLast(request.raw)) reply.header('connection', 'close');
    const { principal } = request;
    // Some answers are given before the plugin sees them; whoever gives one, it is for no cache.
    if (!reply.hasHeader('cache-control')) {
      reply.header('cache-control', principal.kind === 'anonymous' ? 'no-store' : 'private, no-store');
    }
    const isUncounted = principal.kind === 'anonymous' && principal.network === undefined;
    if (isUncounted || hasLimitFields((name) => reply.hasHeader(name))) {
      done();
      return;
    }
    standingLimits(principal, limiter, rateLimitHeaders()).then((fields) => {
      if (fields !== null) writeLimitFields(fields, (name, value) => reply.header(name, value));
      done();
    }, done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    noteAnswer(request, reply, observer);
    shared.note(request);
    done();
  });
}

/** Tells the metrics and the log. Fastify's hook calls it for what was sent whole, and for nothing that a caller broke off. */
export function noteAnswer(request: FastifyRequest, reply: FastifyReply, observer: Observer): void {
  // A stream lasts for as long as its reader likes: how long it took to begin is what compares with others.
  const ms = request.outcome.begunAfter ?? reply.elapsedTime;
  observer.requestAnswered(routeOf(request), reply.statusCode, ms);
  logRequest(request, reply);
}

/**
 * An answer is data: no browser may show it as a page, run anything in it, put it into a frame, or tell another site its
 * address, in which a stream's key may be. Routes that serve pages replace the policy.
 */
const NO_PAGE = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

/** Nobody yet, under an id that stands in the answer and in the log. */
export function identify(request: FastifyRequest, reply: FastifyReply, proxies: Proxies): void {
  request.principal = ANONYMOUS;
  request.caller = proxies.callerOf(request.raw, isEncrypted(request.raw.socket));
  request.outcome = { word: 'ok', operation: null, operationName: null, begunAfter: null, isJudged: false };
  reply.header('x-request-id', request.id);
  reply.headers(NO_PAGE);
}

/** The route's and not the request's own: whatever a caller wrote there, a key may be in it. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'none';
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  if ((request.log as Partial<Logger>).isLevelEnabled?.('info') === false) return;
  const { principal, outcome } = request;
  request.log.info(
    {
      requestId: request.id,
      method: request.method,
      path: routeOf(request),
      operation: outcome.operation,
      status: reply.statusCode,
      outcome: outcomeWord(outcome, reply.statusCode),
      ms: Math.round(reply.elapsedTime),
      address: request.caller.address,
      key: principal.keyId,
      tier: principal.tier,
    },
    'request',
  );
}

function isEncrypted(socket: object): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}
