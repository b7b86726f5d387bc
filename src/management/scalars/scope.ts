import { GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { scalarError } from './scalarError.js';

/**
 * Scope: a short string. The operation checks whether the schema has the scope, so that its error can list the known
 * scopes.
 */
export const Scope = new GraphQLScalarType<string, string>({
  name: 'Scope',
  serialize: (value) => String(value),
  parseValue: (value) => coerce(value),
  parseLiteral: (node) => coerce(node.kind === Kind.STRING ? node.value : null, node),
});

function coerce(value: unknown, node?: ValueNode): string {
  if (typeof value === 'string' && value.length <= 100) return value;
  throw scalarError('A Scope is a string such as "read:assets", of at most 100 characters.', node);
}
