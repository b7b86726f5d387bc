import type { ApolloServerPlugin } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import type { Facts, RequestSpan, Tracing } from '../tracing/tracing.js';
import { routeOf } from './everyAnswer.js';
import { outcomeWord } from '../../core/guard/request/outcome.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** null if the request is not traced. */
    span: RequestSpan | null;
  }
}

/** Machines request these every few seconds, so they would make up most traces. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Creates one span for each request, by OpenTelemetry's conventions for HTTP servers. Call after `addToEveryAnswer`.
 */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  app.decorateRequest('span', null);
  app.addHook('onRequest', (request, _reply, done) => {
    if (UNTRACED.has(routeOf(request))) {
      done();
      return;
    }
    request.span = tracing.begin(nameOf(request), request.headers.traceparent, {
      'http.request.method': request.method,
      'http.route': routeOf(request),
      'url.scheme': request.caller.https ? 'https' : 'http',
    });
    tracing.within(request.span, done);
  });
  // Again, because a body arrives in the asynchronous context of its connection.
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.span === null) done();
    else tracing.within(request.span, done);
  });
  app.addHook('onResponse', async (request, reply) => {
    if (request.span === null) return;
    const failed = reply.statusCode >= 500;
    tracing.end(request.span, nameOf(request), factsOf(request, reply, failed), failed);
  });
}

function nameOf(request: FastifyRequest): string {
  return `${request.method} ${routeOf(request)}`;
}

function factsOf({ principal, outcome }: FastifyRequest, { statusCode }: FastifyReply, failed: boolean): Facts {
  return {
    'http.response.status_code': statusCode,
    'latchkey.outcome': outcomeWord(outcome, statusCode),
    ...(failed && { 'error.type': String(statusCode) }),
    ...(outcome.operation !== null && { 'graphql.operation.type': outcome.operation }),
    ...operationName(outcome.operationName),
    ...(principal.kind !== 'anonymous' && { 'latchkey.key.id': principal.keyId, 'latchkey.tier': principal.tier }),
  };
}

/** Maximum length of an operation name in a span. The rest is cut off. */
const MAX_NAME = 100;

/** Text that looks like a misplaced secret: one of our tokens, or a long run of letters and digits. */
const LIKE_A_SECRET = /_(?:live|test)_|(?=[A-Za-z]*\d)[A-Za-z0-9]{32,}/;

/**
 * Returns the operation name as the caller wrote it. `graphql.document`, the other attribute of the conventions, is
 * never set: literals in a document may contain secrets.
 */
function operationName(name: string | null): Facts {
  return name === null || LIKE_A_SECRET.test(name) ? {} : { 'graphql.operation.name': name.slice(0, MAX_NAME) };
}

/** Creates a span for the execution of resolvers. */
export function createTracePlugin(tracing: Tracing): ApolloServerPlugin<LatchkeyContext> {
  return {
    async requestDidStart() {
      return {
        async executionDidStart() {
          const end = tracing.beginChild('execute');
          return { executionDidEnd: async (error) => end(error) };
        },
      };
    },
  };
}
