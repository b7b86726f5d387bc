import { FieldShares, Numbers, type Shares } from './algebras.js';
import { UNIT } from './costDirectives.js';
import { CostWalk, type Algebra, type CostedOperation } from './costWalk.js';
import { FormulaBuilder, FormulaTooLong, type Formula } from './formula.js';
import { responseCost } from './responseCost.js';
import { ResponsePlan } from './responsePlan.js';
import type { SchemaCosts } from './schemaCosts.js';
import { isSized, UseReader, type SizeUse, type Variables } from './uses.js';

/** The size of a list that no directive describes. */
export const DEFAULT_LIST_SIZE = 10;

/** The share of a field in a cost: all its calls, and the values that it returns. */
export interface FieldPart {
  readonly coordinate: string;
  /** In cost units, not rounded. */
  readonly cost: number;
}

/** The cost of one operation of a document, for one combination of its conditions. */
export class OperationCost {
  readonly #costs: SchemaCosts;
  readonly #document: CostedOperation;
  readonly #listSize: number;
  /** Null if it would be too long; the document is then read for each request. */
  readonly #formula: Formula | null;
  #plan: ResponsePlan | null = null;

  constructor(costs: SchemaCosts, document: CostedOperation, listSize: number = DEFAULT_LIST_SIZE) {
    this.#costs = costs;
    this.#document = document;
    this.#listSize = listSize;
    this.#formula = this.#build();
  }

  /** Returns an upper bound of the cost with these variables: an integer of at least 1, as each request costs something. */
  estimate(variables: Variables): number {
    const units = this.#formula?.compute(variables) ?? this.#walk(new Numbers(variables)).total();
    return wholeCost(units);
  }

  /** Returns the field of a list whose size the operation must give with exactly one argument, and doesn't; null if there is none. */
  unsized(variables: Variables): SizeUse | null {
    const required = this.#formula?.required ?? this.#required(variables);
    return required.find((use) => !isSized(use, variables)) ?? null;
  }

  /** Returns the part of each field in the estimate. */
  shares(variables: Variables): Shares {
    // Each visit of a type adds up a map, so only the types that cost most are visited.
    const numbers = this.#walk(new Numbers(variables));
    numbers.total();
    return this.#walk(new FieldShares(variables), numbers.choice).total();
  }

  /** Returns the fields that contribute most to the estimate, largest first. */
  dearest(variables: Variables, count: number): readonly FieldPart[] {
    return [...this.shares(variables)]
      .map(([coordinate, { fieldCost, typeCost }]) => ({ coordinate, cost: (fieldCost + typeCost) / UNIT }))
      .filter(({ cost }) => cost > 0)
      .sort((a, b) => b.cost - a.cost)
      .slice(0, count);
  }

  /**
   * Returns the cost of a response without errors; null if the response is too large to be measured. It can be above the estimate if a
   * list is longer than the schema says, or if the type of an object is unknown.
   */
  measure(data: Readonly<Record<string, unknown>>, variables: Variables): number | null {
    this.#plan ??= new ResponsePlan(this.#costs, this.#document);
    const units = responseCost(this.#plan, data, variables);
    return units === null ? null : wholeCost(units);
  }

  #walk<Value>(algebra: Algebra<Value>, choice?: CostWalk<number>['choice']): CostWalk<Value> {
    const uses = new UseReader(this.#costs, this.#listSize, this.#document.operation);
    return new CostWalk(uses, this.#document, algebra, choice);
  }

  #build(): Formula | null {
    const builder = new FormulaBuilder();
    try {
      return builder.finish(this.#walk(builder).total());
    } catch (error) {
      if (error instanceof FormulaTooLong) return null;
      throw error;
    }
  }

  #required(variables: Variables): readonly SizeUse[] {
    const required: SizeUse[] = [];
    const numbers = new Numbers(variables, (use) => required.push(use));
    this.#walk(numbers).total();
    return required;
  }
}

/** Returns whole costs, rounded up. */
export function wholeCost(units: number): number {
  return Math.max(1, Math.ceil(units / UNIT));
}
