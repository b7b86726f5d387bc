import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ANONYMOUS, type Principal } from '../../core/auth/principal.js';
import type { RateLimitHeaders } from '../../core/limits/limitFields.js';
import type { Limits } from '../../core/limits/limits.js';
import type { Observer } from '../../core/observer/observer.js';
import type { Caller, Callers } from '../net/trustedProxies.js';
import { unavailable } from '../../core/errors/refusal.js';
import type { Connections } from './connections.js';
import { discardRest } from './discardRest.js';
import { hasLimitFields, standingLimits, writeLimitFields } from '../../core/limits/limitHeaders.js';
import type { SharedAddresses } from './sharedAddress.js';
import { outcomeWord, type Outcome } from '../../core/guard/request/outcome.js';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
    /** Unlike Fastify's `ip` and `protocol`, which describe the connection, this respects proxies. */
    caller: Caller;
    outcome: Outcome;
  }
}

/** How long a refusal waits for the rest of its request while the server is stopping, in ms. */
const REST_TIME = 1_000;

interface EveryAnswerOptions {
  readonly limiter: Limits;
  readonly rateLimitHeaders: () => RateLimitHeaders;
  readonly observer: Observer;
  readonly callers: Callers;
  readonly connections: Connections;
  readonly shared: SharedAddresses;
}

/**
 * Adds to every response a request ID, the state of the key's limits, a log line and metrics. Add it before all other
 * hooks: the response to a preflight request is sent from a hook, and must pass through these hooks, too.
 */
export function addToEveryAnswer(
  app: FastifyInstance,
  { limiter, rateLimitHeaders, observer, callers, connections, shared }: EveryAnswerOptions,
): void {
  app.decorateRequest('principal');
  app.decorateRequest('authenticatedAt');
  app.decorateRequest('caller');
  app.decorateRequest('outcome');
  app.addHook('onRequest', (request, reply, done) => {
    identify(request, reply, callers);
    if (connections.arrived(request.raw, reply.raw)) done();
    else done(unavailable('The server is stopping. Send the request again on a new connection.', 1));
  });
  app.addHook('onSend', (request, _reply, _payload, done) => {
    if (connections.mustReadFirst(request.raw)) void discardRest(request.raw, REST_TIME).then(done);
    else done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (connections.isLast(request.raw)) reply.header('connection', 'close');
    const { principal } = request;
    // Some responses are sent before the plugin runs. They must not be cached either.
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

/**
 * Updates the metrics and the log. Fastify calls the hook only for complete responses, not if the caller closes the
 * connection.
 */
export function noteAnswer(request: FastifyRequest, reply: FastifyReply, observer: Observer): void {
  // The length of a stream depends on its reader; only the time until it started is comparable.
  const ms = request.outcome.begunAfter ?? reply.elapsedTime;
  observer.requestAnswered(routeOf(request), reply.statusCode, ms);
  logRequest(request, reply);
}

/**
 * A response is data: no browser may render it as a page, run anything in it, frame it, or send its address, which can
 * contain a stream's key, to another site. Routes that serve pages replace the policy.
 */
export const NO_PAGE = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

/** Initializes a request as anonymous, and gives it an ID that is in the response and in the log. */
export function identify(request: FastifyRequest, reply: FastifyReply, callers: Callers): void {
  request.principal = ANONYMOUS;
  request.caller = callers.callerOf(request.raw, isEncrypted(request.raw.socket));
  request.outcome = { word: 'ok', operation: null, operationName: null, begunAfter: null, isJudged: false };
  reply.header('x-request-id', request.id);
  reply.headers(NO_PAGE);
}

/** Returns the route's path, not the request's: a caller may have put a key into it. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'none';
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { id: requestId, method, caller, principal, outcome, log } = request;
  const { statusCode: status, elapsedTime: ms } = reply;
  logLine(log, { requestId, method, path: routeOf(request), status, ms, caller, principal, outcome });
}

interface LoggedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly caller: Caller;
  readonly principal: Principal;
  readonly outcome: Pick<Outcome, 'word' | 'operation'>;
}

/** Writes the log line of a request. */
export function logLine(log: FastifyBaseLogger, logged: LoggedRequest): void {
  if ((log as Partial<Logger>).isLevelEnabled?.('info') === false) return;
  const { requestId, method, path, status, caller, principal, outcome } = logged;
  log.info(
    {
      requestId,
      method,
      path,
      operation: outcome.operation,
      status,
      outcome: outcomeWord(outcome, status),
      ms: Math.round(logged.ms),
      address: caller.address,
      key: principal.keyId,
      tier: principal.tier,
    },
    'request',
  );
}

export function isEncrypted(socket: object): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}
