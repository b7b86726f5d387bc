import type { FastifyInstance, FastifyReply } from 'fastify';
import { WELL_KNOWN } from '../credentials/oidc/wellKnown.js';
import type { Latchkey } from '../latchkey.js';

/** Clients may keep the metadata for so long, in seconds: a reload shows after it. */
const MAX_AGE = 300;

/**
 * The metadata of the protected resources (RFC 9728): where the address of each leads, and the API's at the root for clients
 * that look there. It is for anybody, so pages of any origin may read it. 404 while no access tokens are let in.
 *
 * What it says comes from the configuration alone: a Host field is the caller's to write, and would send others to an
 * address of theirs.
 */
export function protectedResourceRoutes(app: FastifyInstance, latchkey: Pick<Latchkey, 'protectedResource'>): void {
  const kinds = {
    [WELL_KNOWN]: 'graphql',
    [`${WELL_KNOWN}/graphql`]: 'graphql',
    [`${WELL_KNOWN}/mcp`]: 'mcp',
  } as const;
  for (const [url, kind] of Object.entries(kinds)) {
    // Past the origins of CORS_ORIGINS, which are for the API.
    const config = { cors: false };
    app.get(url, { config }, (_request, reply) => {
      const metadata = latchkey.protectedResource(kind);
      if (metadata === null) {
        reply.callNotFound();
        return;
      }
      void open(reply).header('cache-control', `public, max-age=${MAX_AGE}`).type('application/json').send(metadata);
    });
    // Clients send fields of their own, such as MCP-Protocol-Version, for which a browser asks first.
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
