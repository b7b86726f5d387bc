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

/**
 * Authenticates a request again once its body has arrived, which may take as long as the request timeout. Without this, a
 * caller could send the headers of many requests, and finish them after the key was revoked.
 *
 * @param sourceOf where the credential is looked for. Default: the header fields
 */
export function afterBody(
  latchkey: Pick<Latchkey, 'reauthenticate'>,
  sourceOf: (request: FastifyRequest) => CredentialSource = credentialOf,
): AuthenticationHook {
  return (request, _reply, done) => {
    if (request.body === undefined || request.principal.kind === 'anonymous') {
      done();
      return;
    }
    try {
      const principal = latchkey.reauthenticate(sourceOf(request));
      if (principal instanceof Promise) {
        principal.then((late) => void (request.principal = late)).then(() => done(), done);
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

function credentialOf({ raw, caller }: FastifyRequest): CredentialSource {
  // Not Fastify's headers: Node's raw ones still hold a second Authorization field.
  return { headers: raw.headers, rawHeaders: raw.rawHeaders, ip: caller.address };
}
