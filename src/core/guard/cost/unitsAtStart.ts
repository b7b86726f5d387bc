import { OperationTypeNode, type OperationDefinitionNode } from 'graphql';

/**
 * Returns the cost units that an operation takes when it starts. A subscription costs nothing at its start, because each event is counted
 * when it occurs.
 *
 * @param cost of the operation, in cost units
 */
export function unitsAtStart({ operation }: OperationDefinitionNode, cost: number): number {
  return operation === OperationTypeNode.SUBSCRIPTION ? 1 : cost;
}
