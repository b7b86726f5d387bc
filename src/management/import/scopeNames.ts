import { makeExecutableSchema } from '@graphql-tools/schema';
import { rulesOf } from '../../core/guard/guard.js';
import { keyTypeDefs, serviceTypeDefs } from '../schema/typeDefs.js';

/**
 * Returns the scopes of a schema, as the server determines them.
 * @param schema the text of a custom schema; null: the schema of the service
 * @param actions actions in addition to `read` and `write`
 * @throws GuardError, GraphQLError
 */
export function scopeNames(schema: string | null, actions: readonly string[]): readonly string[] {
  const typeDefs = schema === null ? serviceTypeDefs() : [keyTypeDefs(), schema];
  return [...rulesOf(makeExecutableSchema({ typeDefs }), { actions }).scopes];
}
