import type { FastifyInstance } from 'fastify';
import type { Assembly } from '../../assembly/assembly.js';
import type { Verdicts } from '../../management/verdicts.js';
import type { AuthenticationHook } from './authentication.js';
import { takeOneRequest } from './oneRequest.js';

/** Where verifiers find the public keys (RFC 8615). */
const JWKS_PATH = '/.well-known/jwks.json';

/** How long verifiers may cache the keys, in seconds. Keys are published an hour before they sign. */
const MAX_AGE = 300;

interface JwksRouteOptions {
  readonly latchkey: Pick<Assembly, 'keySet' | 'limiter'>;
  readonly verdicts: Verdicts;
  readonly authenticate: AuthenticationHook;
}

/**
 * Serves the public keys of all processes (RFC 7517). It needs no credential: a request without one is counted like
 * other anonymous requests, and a request with a key costs one request. Pages of any origin may read it.
 */
export function jwksRoute(app: FastifyInstance, { latchkey, verdicts, authenticate }: JwksRouteOptions): void {
  // Ignores CORS_ORIGINS, which only applies to the API.
  const config = { cors: false } as const;
  app.get(JWKS_PATH, { config, onRequest: authenticate }, async ({ principal, headers }, reply) => {
    if (principal.kind !== 'anonymous') await takeOneRequest(principal, latchkey.limiter, verdicts);
    const { body, etag } = await latchkey.keySet();
    void reply.headers({
      'access-control-allow-origin': '*',
      'cache-control': `public, max-age=${MAX_AGE}`,
      etag,
    });
    if (headers['if-none-match']?.includes(etag) === true) return reply.code(304).send();
    return reply.type('application/jwk-set+json').send(body);
  });
}
