import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS, type Principal } from '../credentials/principal.js';
import type { Limits } from '../limits/limits.js';
import { standingLimits, writeLimitFields } from './limitHeaders.js';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
  }
}

/**
 * What every answer has: a request id, where the key's limits stand, and a line in the log. To be added before all else:
 * an answer to a preflight is given in a hook of its own and passes through these as well.
 */
export function addToEveryAnswer(app: FastifyInstance, limiter: Limits): void {
  app.decorateRequest('principal');
  app.addHook('onRequest', (request, reply, done) => {
    identify(request, reply);
    done();
  });
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    // Connections that are idle at the close are ended then. One that falls idle later would hold it up until it timed out.
    if (closing) reply.header('connection', 'close');
    const { principal } = request;
    // Some answers are given before the plugin sees them; whoever gives one, it is for no cache.
    if (!reply.hasHeader('cache-control')) {
      reply.header('cache-control', principal.kind === 'anonymous' ? 'no-store' : 'private, no-store');
    }
    if (principal.kind === 'anonymous' || reply.hasHeader('ratelimit')) {
      done();
      return;
    }
    standingLimits(principal, limiter).then((fields) => {
      if (fields !== null) writeLimitFields(fields, (name, value) => reply.header(name, value));
      done();
    }, done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(request, reply);
    done();
  });
}

/** Nobody yet, under an id that stands in the answer and in the log. */
export function identify(request: FastifyRequest, reply: FastifyReply): void {
  request.principal = ANONYMOUS;
  reply.header('x-request-id', request.id);
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  request.log.info(
    {
      requestId: request.id,
      method: request.method,
      // The route's and not the request's own: whatever a caller wrote there, a key may be in it.
      path: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      address: request.ip,
      key: request.principal.keyId,
    },
    'request',
  );
}
