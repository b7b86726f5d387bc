import { OperationTypeNode, type ExecutionResult, type OperationDefinitionNode } from 'graphql';
import { Refusal } from '../../errors/refusal.js';
import { answerTooLarge, type AnswerLimits } from './answerLimits.js';
import { jsonSize } from './size.js';

const NONE: readonly never[] = [];

/**
 * Returns the refusal that replaces a result, because the executor met one or `data` exceeds `limits.bytes`; null if
 * the result may be sent. A refused result must be replaced entirely, because it lacks some lists and would look complete.
 */
export function refusalOfResult(
  { data, errors = NONE }: { readonly [Part in 'data' | 'errors']?: ExecutionResult[Part] | undefined },
  limits: AnswerLimits,
  operation: OperationDefinitionNode | null | undefined,
): Refusal | null {
  for (const error of errors) {
    const cause = error instanceof Refusal ? error : error.originalError;
    if (cause instanceof Refusal && cause.details.code === 'ANSWER_TOO_LARGE') return cause;
  }
  if (data == null || jsonSize(data, limits.bytes) <= limits.bytes) return null;
  return answerTooLarge(limits, 'bytes', operation?.operation === OperationTypeNode.MUTATION);
}
