import { OperationTypeNode, type ExecutionResult, type OperationDefinitionNode } from 'graphql';
import { Refusal } from '../../refusals/refusal.js';
import { answerTooLarge, type AnswerLimits } from './limits.js';
import { jsonSize } from './size.js';

/**
 * Returns the refusal that takes the place of a result: the executor met it, or `data` is larger than `limits.bytes`. Null:
 * the result may leave.
 *
 * A result that was refused in one place has lists missing in others, and must not pass for what was asked for.
 */
export function refusalOfResult(
  { data, errors = [] }: Pick<ExecutionResult, 'data' | 'errors'>,
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
