import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CredentialSource } from '../credentials/locate.js';
import type { Principal } from '../credentials/principal.js';
import type { Latchkey } from '../latchkey.js';
import type { Moments } from './moments.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** When the principal was found, by {@link Moments}. */
    authenticatedAt: number;
  }
}

/** Puts the principal into the request and counts an anonymous one, or ends the request. */
export type AuthenticationHook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/**
 * In Fastify's older form: a known key has nothing to wait for, and an async hook would make a promise all the same.
 *
 * @param sourceOf where the credential is looked for. Default: the header fields. @throws Refusal
 */
export function authenticationHook(
  latchkey: Pick<Latchkey, 'authenticate' | 'arrived'>,
  moments: Moments,
  sourceOf: (request: FastifyRequest) => CredentialSource = credentialOf,
): AuthenticationHook {
  const admit = (request: FastifyRequest, principal: Principal): void | Promise<void> => {
    request.principal = principal;
    request.authenticatedAt = moments.now;
    return latchkey.arrived(principal);
  };
  return (request, _reply, done) => {
    try {
      const principal = latchkey.authenticate(sourceOf(request));
      if (principal instanceof Promise) {
        principal.then((late) => admit(request, late)).then(() => done(), done);
        return;
      }
      const counted = admit(request, principal);
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
 * Authenticates a request again if its body arrived later than its header, which may take as long as the request timeout.
 * Without this, a caller could send the headers of many requests, and finish them after the key was revoked. Most bodies arrive
 * with the header, and then one look-up is enough.
 *
 * @param sourceOf where the credential is looked for. Default: the header fields
 */
export function afterBody(
  latchkey: Pick<Latchkey, 'reauthenticate'>,
  moments: Moments,
  sourceOf: (request: FastifyRequest) => CredentialSource = credentialOf,
): AuthenticationHook {
  return (request, _reply, done) => {
    const { body, principal: found, authenticatedAt } = request;
    if (body === undefined || found.kind === 'anonymous' || authenticatedAt === moments.now) {
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
