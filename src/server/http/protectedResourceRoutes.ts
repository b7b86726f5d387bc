import type { FastifyInstance, FastifyReply } from 'fastify';
import { WELL_KNOWN } from '../../core/auth/oidc/wellKnown.js';
import type { Assembly } from '../../assembly/assembly.js';

/** How long clients may cache the metadata, in seconds. A reload takes effect after that. */
const MAX_AGE = 300;

/**
 * Serves the metadata of the protected resources (RFC 9728), at the well-known path of each resource, and the API's
 * also at the root for clients that look there. It is public, so pages of any origin may read it. Returns 404 while
 * access tokens are not accepted.
 *
 * Its content depends only on the configuration: a URL derived from the Host field could send other clients to an
 * attacker.
 */
export function protectedResourceRoutes(app: FastifyInstance, latchkey: Pick<Assembly, 'protectedResource'>): void {
  const kinds = {
    [WELL_KNOWN]: 'graphql',
    [`${WELL_KNOWN}/graphql`]: 'graphql',
    [`${WELL_KNOWN}/mcp`]: 'mcp',
  } as const;
  for (const [url, kind] of Object.entries(kinds)) {
    // Ignores CORS_ORIGINS, which only applies to the API.
    const config = { cors: false } as const;
    app.get(url, { config }, (_request, reply) => {
      const metadata = latchkey.protectedResource(kind);
      if (metadata === null) {
        reply.callNotFound();
        return;
      }
      void open(reply).header('cache-control', `public, max-age=${MAX_AGE}`).type('application/json').send(metadata);
    });
    // Clients send additional fields such as MCP-Protocol-Version, for which a browser sends a preflight request.
    app.options(url, { config }, (_request, reply) => {
      void open(reply)
        .code(204)
        .headers({
          'access-control-allow-methods': 'GET',
          'access-control-allow-headers': '*',
          'access-control-max-age': String(MAX_AGE),
        })
        .send();
    });
  }
}

function open(reply: FastifyReply): FastifyReply {
  return reply.header('access-control-allow-origin', '*');
}
