import type { GraphQLResolveInfo } from 'graphql';
import { badInput } from '../../refusals/refusal.js';

export interface WorkLimit {
  /** How much one operation may ask for. At least as much as a single field is given. */
  readonly limit: number;
  /** The argument to blame. */
  readonly path: readonly string[];
  /** What is too much, and what to do. */
  readonly message: string;
}

type Execution = Pick<GraphQLResolveInfo, 'variableValues'>;

/**
 * Bounds the work of one kind that an operation asks for. A field does its work once for each alias, although the variable with its
 * input was sent once.
 */
export class WorkBudgets {
  readonly #limit: WorkLimit;
  /** By the variables' object, of which graphql-js makes one for each execution. */
  readonly #spent = new WeakMap<object, number>();

  constructor(limit: WorkLimit) {
    this.#limit = limit;
  }

  /** What the execution may still ask for. */
  left({ variableValues }: Execution): number {
    return this.#limit.limit - (this.#spent.get(variableValues) ?? 0);
  }

  /** Takes the amount. What is refused takes nothing. @throws Refusal BAD_USER_INPUT if less is left */
  spend(execution: Execution, amount: number): void {
    const { limit, path, message } = this.#limit;
    const left = this.left(execution);
    if (amount > left) throw badInput(path, message);
    this.#spent.set(execution.variableValues, limit - left + amount);
  }
}
