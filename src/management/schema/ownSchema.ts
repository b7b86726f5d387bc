import { makeExecutableSchema, type IExecutableSchemaDefinition } from '@graphql-tools/schema';
import type { DocumentNode, GraphQLSchema } from 'graphql';

/**
 * Returns the schema of definitions that are part of Latchkey, which tests validate. Validating them at each start, and building each type
 * a second time for its resolvers, would take 40 ms of CPU time.
 */
export function ownSchema(
  typeDefs: DocumentNode,
  resolvers: NonNullable<IExecutableSchemaDefinition['resolvers']>,
): GraphQLSchema {
  return makeExecutableSchema({ typeDefs, resolvers, assumeValidSDL: true, updateResolversInPlace: true });
}
