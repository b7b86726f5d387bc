import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { unauthenticated } from '../auth/authenticator.js';
import type { Principal } from '../auth/principal.js';
import { Refusal } from '../errors/refusal.js';
import { conditionsOf } from './conditions.js';
import { readsSchemaBelow } from './introspectionPart.js';
import { viewOf } from './views.js';

/**
 * Access to the schema by introspection and at /schema.graphql. `on`: for everyone; `authenticated`: for callers with a
 * key; `scoped`: each caller sees the part that they have access to; `off`: disabled.
 */
export type Introspection = (typeof INTROSPECTIONS)[number];

export const INTROSPECTIONS = ['on', 'authenticated', 'scoped', 'off'] as const;

/** An operation that reads the schema. */
export interface Introspecting {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Returns the part of the schema that a principal may read: the schema itself if it is all of it, null if it is
 * nothing.
 */
export function readable(
  introspection: Introspection,
  schema: GraphQLSchema,
  principal: Principal,
): GraphQLSchema | null {
  switch (introspection) {
    case 'on':
      return schema;
    case 'authenticated':
      return principal.kind === 'anonymous' ? null : schema;
    case 'scoped':
      return viewOf(schema, principal);
    case 'off':
      return null;
    // A caller in JavaScript may pass any value. An unknown value shows nothing.
    default:
      return null;
  }
}

/** Returns the refusal for a principal who may not read the schema at all. */
export function unreadable(introspection: Introspection, principal: Principal): Refusal {
  if (introspection === 'off') {
    return forbidden('Introspection is disabled on this server. Ask its operator for the schema.');
  }
  return principal.kind === 'anonymous'
    ? unauthenticated('missing')
    : forbidden('This key has no access to any part of the schema. Use a key with more scopes.');
}

/** Returns the refusal of an operation that reads the schema; null if it may run. */
export function refuseIntrospection(
  introspection: Introspection,
  schema: GraphQLSchema,
  principal: Principal,
  { document, operation, variables }: Introspecting,
): Refusal | null {
  if (readable(introspection, schema, principal) === null) return unreadable(introspection, principal);
  if (introspection !== 'scoped') return null;
  // Only fields at the top level can be found in the response reliably, to be replaced by what the caller may read.
  return readsSchemaBelow(document, operation, conditionsOf(document, operation, variables))
    ? forbidden('The schema cannot be read within another field. Query __schema and __type at the top level.')
    : null;
}

/** Returns the refusal of an operation that reads the SDL of a subgraph, which contains the whole schema; null if it may run. */
export function refuseSdl(introspection: Introspection, schema: GraphQLSchema, principal: Principal): Refusal | null {
  const view = readable(introspection, schema, principal);
  if (view === schema) return null;
  if (view === null) return unreadable(introspection, principal);
  return principal.kind === 'anonymous'
    ? unauthenticated('missing')
    : forbidden(
        'The field _service contains the whole schema, and this key has access to a part of it. Use a key with more scopes.',
      );
}

function forbidden(message: string): Refusal {
  return new Refusal(message, { code: 'FORBIDDEN', missing: [], fields: [] });
}
