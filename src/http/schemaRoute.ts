import { printSchemaWithDirectives } from '@graphql-tools/utils';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Limiter } from '../limits/limiter.js';
import { refusalOf } from '../limits/refuse.js';
import type { Introspection } from '../settings/settings.js';
import { refuseIntrospection } from './introspection.js';

export interface SchemaRouteOptions {
  readonly schema: GraphQLSchema;
  readonly introspection: Introspection;
  readonly limiter: Limiter;
  readonly authenticate: (request: FastifyRequest) => Promise<void>;
}

/** GET /schema.graphql: the schema with its directives, for whoever may introspect. Costs a key one request. */
export function schemaRoute(
  app: FastifyInstance,
  { schema, introspection, limiter, authenticate }: SchemaRouteOptions,
): void {
  const text = `${printSchemaWithDirectives(schema)}\n`;
  app.get('/schema.graphql', { onRequest: authenticate }, async ({ principal }, reply) => {
    const refusal = refuseIntrospection(introspection, principal);
    if (refusal !== null) throw refusal;
    if (principal.kind !== 'anonymous') {
      const admission = limiter.admit({ family: principal.familyId, tier: principal.tier }, 1);
      const overLimit = refusalOf(admission, 1);
      if (overLimit !== null) throw overLimit;
    }
    return reply.type('text/plain; charset=utf-8').header('cache-control', 'private, no-store').send(text);
  });
}
