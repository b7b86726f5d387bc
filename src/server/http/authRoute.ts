import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PRINCIPAL_HEADER, type PrincipalTokens } from '../../core/auth/signing/principalTokens.js';
import type { Passed, ProxiedRequests } from '../../core/auth/verification/proxiedRequests.js';
import { statusForProxy } from '../../core/errors/http.js';
import { badInput } from '../../core/errors/refusal.js';
import { limitFields, type RateLimitHeaders } from '../../core/limits/limitFields.js';
import { writeLimitFields } from '../../core/limits/limitHeaders.js';
import type { Proxies } from '../net/trustedProxies.js';
import type { AuthenticationHook } from './authentication.js';
import { authParameters, IN_THE_PATH } from './authParameters.js';
import { answerError, V1_ERROR, type FaultForm } from './faults.js';
import { UntrustedProxies } from './untrustedProxies.js';

interface AuthRouteOptions {
  readonly latchkey: {
    readonly proxied: Pick<ProxiedRequests, 'decide'>;
    readonly principalTokens: Pick<PrincipalTokens, 'sign'>;
    readonly rateLimitHeaders: () => RateLimitHeaders;
    readonly resourceMetadata: () => string | null;
  };
  readonly authenticate: AuthenticationHook;
  readonly proxies: Proxies;
  /** The services that principals can be signed for. */
  readonly audiences: readonly string[];
}

/** Envoy passes on the method of its caller. Other methods are unknown here, and so refused. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const PROXY_FORM: FaultForm = { ...V1_ERROR, statusOf: statusForProxy };

/**
 * Serves /v1/auth for the external authorization of nginx, Caddy, Traefik and Envoy: 204 if a request may pass, and a
 * refusal otherwise. Responds without waiting for the body, which has any type and comes from the caller, so a slow body delays nothing.
 */
export function authRoute(app: FastifyInstance, options: AuthRouteOptions): void {
  const { latchkey, authenticate, proxies, audiences } = options;
  const untrusted = new UntrustedProxies(app.log);

  const pass = (request: FastifyRequest, reply: FastifyReply, service: string | null, passed: Passed): void => {
    const fields = limitFields(passed.admission, latchkey.rateLimitHeaders());
    writeLimitFields(fields, (name, value) => reply.header(name, value));
    if (service !== null) {
      // Anyone else could collect tokens that did not pass the scopes of a proxy's configuration.
      if (proxies.isProxy(request.raw)) {
        reply.header(PRINCIPAL_HEADER, latchkey.principalTokens.sign(passed.principal, service));
      } else untrusted.note(request.raw.socket.remoteAddress);
    }
    void reply.code(204).send();
  };

  const decide: AuthenticationHook = (request, reply, done) => {
    try {
      const { scopes, audience } = authParameters(request.raw.url ?? '');
      const service = audienceOf(audience, audiences);
      const passed = latchkey.proxied.decide(request.principal, scopes);
      if (passed instanceof Promise) passed.then((late) => pass(request, reply, service, late)).catch(done);
      else pass(request, reply, service, passed);
    } catch (error) {
      done(error as Error);
    }
  };

  for (const url of ['/v1/auth', `${IN_THE_PATH}*`]) {
    app.route({
      method: [...METHODS],
      url,
      // The response to a preflight request would let the request of a caller pass, because its status is 204.
      config: { cors: false },
      onRequest: [authenticate, decide],
      errorHandler: (error, _request, reply) => void answerError(error, reply, latchkey.resourceMetadata(), PROXY_FORM),
      handler: () => {
        throw new Error('The hook has sent the response.');
      },
    });
  }
}

/** Returns the service to sign for; null if none is configured. @throws Refusal BAD_USER_INPUT */
function audienceOf(audience: string | null, known: readonly string[]): string | null {
  if (audience === null && known.length <= 1) return known[0] ?? null;
  if (audience !== null && known.includes(audience)) return audience;
  const what = audience === null ? 'names no audience, although there are several' : 'names an unknown audience';
  throw badInput(
    [],
    `The address that your proxy uses for /v1/auth ${what}. Add audience=… with one of AUTH_AUDIENCES to it.`,
  );
}
