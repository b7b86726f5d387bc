import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { Refusal } from '../../errors/refusal.js';
import { fragmentsOf } from '../fragments.js';
import { answerTooLarge, type AnswerLimits } from './answerLimits.js';
import { SelectionCounter } from './selections.js';

/** An operation that is about to run. */
interface Asked {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

const known = new WeakMap<OperationDefinitionNode, number>();

/**
 * Returns the refusal of an operation that resolves too many fields even without its lists; null if it may run. Other
 * operations are refused while they run, but one that reads the schema runs no resolver that could do that.
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
