import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CredentialSource } from '../../core/auth/locate.js';
import type { Principal } from '../../core/auth/principal.js';
import type { Assembly } from '../../assembly/assembly.js';
import { admittedBefore } from './beforeRouting.js';
import type { Moments } from './changeMoments.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** When the principal was authenticated, by {@link Moments}. */
    authenticatedAt: number;
  }
}

/** Sets the principal of a request and counts anonymous requests, or refuses the request. */
export type AuthenticationHook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/**
 * Returns a hook that authenticates a request. It takes a callback, because an async hook would create a promise even
 * if the key is cached.
 *
 * @param sourceOf where to look for the credential. Default: the header fields
 */
export function authenticationHook(
  latchkey: Pick<Assembly, 'authenticate' | 'arrived'>,
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
      const principal = admittedBefore(request.raw, moments) ?? latchkey.authenticate(sourceOf(request));
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
 * Authenticates a request again if its body arrived later than its header, which can take as long as the request
 * timeout. Otherwise a caller could send the headers of many requests, and finish them after the key was revoked. Most
 * bodies arrive with the header, so one lookup is enough.
 *
 * @param sourceOf where to look for the credential. Default: the header fields
 */
export function afterBody(
  latchkey: Pick<Assembly, 'reauthenticate'>,
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
  // Not Fastify's headers: only Node's raw headers contain a second Authorization field.
  return { headers: raw.headers, rawHeaders: raw.rawHeaders, ip: caller.address };
}
