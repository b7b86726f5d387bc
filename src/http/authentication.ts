import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CredentialSource } from '../credentials/locate.js';
import type { Latchkey } from '../latchkey.js';

/** Puts the principal into the request and counts an anonymous one, or ends the request. */
export type AuthenticationHook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/**
 * In Fastify's older form: a known key has nothing to wait for, and an async hook would make a promise all the same.
 *
 * @param sourceOf where the credential is looked for. Default: the header fields. @throws Refusal
 */
export function authenticationHook(
  latchkey: Pick<Latchkey, 'authenticate' | 'arrived'>,
  sourceOf: (request: FastifyRequest) => CredentialSource = credentialOf,
): AuthenticationHook {
  return (request, _reply, done) => {
    try {
      const principal = latchkey.authenticate(sourceOf(request));
      if (principal instanceof Promise) {
        principal.then((late) => latchkey.arrived((request.principal = late))).then(() => done(), done);
        return;
      }
      const counted = latchkey.arrived((request.principal = principal));
      if (counted instanceof Promise) {
        counted.then(() => done(), done);
        return;
      }
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
}

function credentialOf({ raw, caller }: FastifyRequest): CredentialSource {
  // Not Fastify's headers: Node's raw ones still hold a second Authorization field.
  return { headers: raw.headers, rawHeaders: raw.rawHeaders, ip: caller.address };
}
