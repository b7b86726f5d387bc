import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { Refusal } from '../../refusals/refusal.js';
import { fragmentsOf } from '../fragments.js';
import { answerTooLarge, type AnswerLimits } from './limits.js';
import { SelectionCounter } from './selections.js';

/** An operation that is about to run. */
export interface Asked {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

const known = new WeakMap<OperationDefinitionNode, number>();

/**
 * Refuses an operation that resolves too many fields whatever its lists hold. Any operation is refused for that once it runs;
 * one that reads the schema has to be refused before, because no resolver of ours runs in it.
 *
 * @returns null: it may run
 */
export function refuseLargeReading(asked: Asked, limits: AnswerLimits): Refusal | null {
  return fieldsOf(asked, limits.fields) > limits.fields ? answerTooLarge(limits, 'fields', false) : null;
}

function fieldsOf({ schema, document, operation, variables }: Asked, most: number): number {
  const before = known.get(operation);
  if (before !== undefined) return before;
  const fragments = Object.fromEntries(fragmentsOf(document));
  const counter = new SelectionCounter({ schema, fragments, variableValues: variables }, most);
  const fields = counter.ofOperation(operation);
  if (!counter.isConditional) known.set(operation, fields);
  return fields;
}
