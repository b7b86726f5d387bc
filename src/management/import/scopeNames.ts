import { makeExecutableSchema } from '@graphql-tools/schema';
import { rulesOf } from '../../core/guard/guard.js';
import type { DocumentNode } from 'graphql';
import { keyTypeDefs } from '../schema/typeDefs.js';

/**
 * Returns the scopes of a schema, as the server determines them.
 * @param schema the definitions of a complete schema, or the text of your own schema, to which the operations on keys are added
 * @param actions actions in addition to `read` and `write`
 * @throws GuardError, GraphQLError
 */
export function scopeNames(schema: DocumentNode | string, actions: readonly string[]): readonly string[] {
  const typeDefs = typeof schema === 'string' ? [keyTypeDefs(), schema] : schema;
  return [...rulesOf(makeExecutableSchema({ typeDefs }), { actions }).scopes];
}
