import { makeExecutableSchema } from '@graphql-tools/schema';
import { rulesOf } from '../guard/guard.js';
import { keyTypeDefs, serviceTypeDefs } from '../schema/typeDefs.js';

/**
 * The scopes that keys may hold, as the server's own would tell them.
 * @param schema text of a schema of your own; null: that of the service @param actions beside `read` and `write`
 * @throws GuardError, GraphQLError
 */
export function scopeNames(schema: string | null, actions: readonly string[]): readonly string[] {
  const typeDefs = schema === null ? serviceTypeDefs() : [keyTypeDefs(), schema];
  return [...rulesOf(makeExecutableSchema({ typeDefs }), { actions }).scopes];
}
