import {
  GraphQLError,
  type ASTVisitor,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValidationRule,
} from 'graphql';
import { Refusal } from '../../errors/refusal.js';

/**
 * Refuses operations whose root type is not in the schema. graphql-js doesn't: without a type, its rules for fields accept any field,
 * and only its execution fails. A server that executes operations elsewhere, such as behind a gateway, would let them run there.
 */
export const knownRootTypes: ValidationRule = (context): ASTVisitor => ({
  OperationDefinition(node) {
    const fault = faultOf(context.getSchema(), node);
    if (fault === null) return undefined;
    context.reportError(new GraphQLError(fault, { nodes: node }));
    return false;
  },
});

/** Returns the refusal of an operation whose root type is not in the schema; null if it is. For documents that were validated otherwise. */
export function refuseUnknownRoot(schema: GraphQLSchema, operation: OperationDefinitionNode): Refusal | null {
  const fault = faultOf(schema, operation);
  return fault === null ? null : new Refusal(fault, { code: 'BAD_REQUEST' });
}

function faultOf(schema: GraphQLSchema, { operation }: OperationDefinitionNode): string | null {
  return schema.getRootType(operation) == null ? `The schema has no ${operation} type.` : null;
}
