import { getVariableValues, type GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';

type Variables = Readonly<Record<string, unknown>>;
type Errors = readonly GraphQLError[] | null;

/** The last variables that an adapter found valid, until the guard asks for them. */
let last: {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly variables: Variables;
} | null = null;

/**
 * Returns the errors of an operation's variables, at most one; null if they are valid. For adapters that need to know this before
 * the guard decides: the guard does not check variables again that were just found valid.
 */
export function checkVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Variables,
): Errors {
  if (!hasVariables(operation)) return null;
  const errors = errorsOf(schema, operation, variables);
  last = errors === null ? { schema, operation, variables } : null;
  return errors;
}

/** Returns the same, for the guard. */
export function variableErrors(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Variables,
): Errors {
  if (!hasVariables(operation)) return null;
  const known = last;
  last = null;
  if (known?.variables === variables && known.operation === operation && known.schema === schema) return null;
  return errorsOf(schema, operation, variables);
}

function hasVariables({ variableDefinitions }: OperationDefinitionNode): boolean {
  return variableDefinitions !== undefined && variableDefinitions.length > 0;
}

function errorsOf(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Variables): Errors {
  return getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 }).errors ?? null;
}
