import { GraphQLError, type ValueNode } from 'graphql';

/**
 * Returns the error for a value that a scalar refuses.
 *
 * @param node the literal, whose place in the document the error has; none for a variable, whose place graphql-js adds
 */
export function scalarError(message: string, node?: ValueNode): GraphQLError {
  return new GraphQLError(message, node === undefined ? {} : { nodes: node });
}
