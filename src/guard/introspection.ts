import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { unauthenticated } from '../credentials/authenticator.js';
import type { Principal } from '../credentials/principal.js';
import { Refusal } from '../refusals/refusal.js';
import { conditionsOf } from './conditions.js';
import { readsSchemaBelow } from './introspectionPart.js';
import { viewOf } from './views.js';

/**
 * Where a GraphQL schema may be read by introspection and at /schema.graphql: by anyone, by any key, by nobody; or what
 * each caller may use of it, by that caller.
 */
export type Introspection = (typeof INTROSPECTIONS)[number];

export const INTROSPECTIONS = ['on', 'authenticated', 'scoped', 'off'] as const;

/** An operation that reads the schema. */
export interface Introspecting {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The schema as a principal may read it: the schema itself where that is all of it, null where it is nothing. */
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
    // From JavaScript it may be anything. What is not known shows nothing.
    default:
      return null;
  }
}

/** Why a principal may read nothing of a schema. */
export function unreadable(introspection: Introspection, principal: Principal): Refusal {
  if (introspection === 'off') {
    return forbidden('Introspection is off on this server. Ask its operator for the schema.');
  }
  return principal.kind === 'anonymous'
    ? unauthenticated('missing')
    : forbidden('Nothing of the schema can be reached with this key. Use a key that holds more scopes.');
}

/** Why an operation that reads the schema is not run for a principal; null where it is. */
export function refuseIntrospection(
  introspection: Introspection,
  schema: GraphQLSchema,
  principal: Principal,
  { document, operation, variables }: Introspecting,
): Refusal | null {
  if (readable(introspection, schema, principal) === null) return unreadable(introspection, principal);
  if (introspection !== 'scoped') return null;
  // Only what stands at the top is found again in the answer for sure, to be replaced by what the caller may see.
  return readsSchemaBelow(document, operation, conditionsOf(document, operation, variables))
    ? forbidden('The schema cannot be read inside of another field. Ask for __schema and __type at the top of a query.')
    : null;
}

function forbidden(message: string): Refusal {
  return new Refusal(message, { code: 'FORBIDDEN', missing: [], fields: [] });
}
