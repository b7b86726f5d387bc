import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Latchkey } from '../latchkey.js';

/** Puts the principal into the request, or ends it. */
export type AuthenticationHook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** In Fastify's older form: a known key has nothing to wait for, and an async hook would make a promise all the same. */
export function authenticationHook(latchkey: Pick<Latchkey, 'authenticate'>): AuthenticationHook {
  return (request, _reply, done) => {
    const { raw, ip } = request;
    // Not Fastify's headers: Node's raw ones still hold a second Authorization field. Its `ip` knows the trusted proxies.
    const source = { headers: raw.headers, rawHeaders: raw.rawHeaders, ip };
    try {
      const principal = latchkey.authenticate(source);
      if (principal instanceof Promise) {
        principal.then((late) => {
          request.principal = late;
          done();
        }, done);
        return;
      }
      request.principal = principal;
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
}
