import type { GraphQLResolveInfo } from 'graphql';
import { badInput } from '../../errors/refusal.js';

interface WorkLimit {
  /** The limit for one operation. At least as large as the largest amount of a single field. */
  readonly limit: number;
  /** The path of the argument in the error. */
  readonly path: readonly string[];
  /** The error message: names the limit, and how to stay within it. */
  readonly message: string;
}

type Execution = Pick<GraphQLResolveInfo, 'variableValues'>;

/**
 * Bounds one kind of work in an operation. A field does its work once for each alias, although the variable with its
 * input was sent once.
 */
export class WorkBudgets {
  readonly #limit: WorkLimit;
  /** By the variables object, because graphql-js creates one for each execution. */
  readonly #spent = new WeakMap<object, number>();

  constructor(limit: WorkLimit) {
    this.#limit = limit;
  }

  /** Returns how much the execution can still spend. */
  left({ variableValues }: Execution): number {
    return this.#limit.limit - (this.#spent.get(variableValues) ?? 0);
  }

  /** Records an amount that is known only after the work is done. If it exceeds the limit, the next one is refused. */
  record({ variableValues }: Execution, amount: number): void {
    this.#spent.set(variableValues, (this.#spent.get(variableValues) ?? 0) + amount);
  }

  /**
   * Spends the amount. An amount that is refused is not spent.
   *
   * @throws Refusal BAD_USER_INPUT if less remains
   */
  spend(execution: Execution, amount: number): void {
    const { limit, path, message } = this.#limit;
    const left = this.left(execution);
    if (amount > left) throw badInput(path, message);
    this.#spent.set(execution.variableValues, limit - left + amount);
  }
}
