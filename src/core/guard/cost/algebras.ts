import type { FieldCost } from './schemaCosts.js';
import type { Algebra } from './costWalk.js';
import { callCost, MOST_COST, sizeOf, type CallUse, type ReadCosts, type SizeUse, type Variables } from './uses.js';

/** Adds up costs with given variables. */
export class Numbers implements Algebra<number> {
  readonly zero = 0;
  readonly #variables: Variables;
  readonly #read: ReadCosts = new Map();
  readonly #required: (use: SizeUse) => void;

  /** @param required receives the lists for which an operation must give one slicing argument */
  constructor(variables: Variables, required: (use: SizeUse) => void = () => undefined) {
    this.#variables = variables;
    this.#required = required;
  }

  call(_: FieldCost, use: CallUse): number {
    return callCost(use, this.#variables, this.#read);
  }

  instance(weight: number): number {
    return weight;
  }

  at(_: string, value: number): number {
    return value;
  }

  sum(values: readonly number[]): number {
    return values.reduce((sum, value) => Math.min(sum + value, MOST_COST), 0);
  }

  times(size: SizeUse, value: number): number {
    if (value === 0) return 0;
    if (size.requireOne) this.#required(size);
    return Math.min(sizeOf(size, this.#variables) * value, MOST_COST);
  }

  max(values: readonly number[]): number {
    return values.reduce((most, value) => Math.max(most, value), 0);
  }
}

/** The cost of a field, of all its calls and all values that it can return. */
interface FieldShare {
  /** The calls of its resolver. */
  readonly fieldCost: number;
  /** The values that it returns. */
  readonly typeCost: number;
}

/** The cost of each field, by coordinate. */
export type Shares = ReadonlyMap<string, FieldShare>;

/** The share of an instance that is not assigned to a field yet. No coordinate is empty. */
const HERE = '';

/** Adds up the cost of each field with given variables. */
export class FieldShares implements Algebra<Shares> {
  readonly zero: Shares = new Map();
  readonly #variables: Variables;
  readonly #read: ReadCosts = new Map();

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  call({ coordinate }: FieldCost, use: CallUse): Shares {
    return new Map([[coordinate, { fieldCost: callCost(use, this.#variables, this.#read), typeCost: 0 }]]);
  }

  instance(weight: number): Shares {
    return new Map([[HERE, { fieldCost: 0, typeCost: weight }]]);
  }

  at(coordinate: string, shares: Shares): Shares {
    const instance = shares.get(HERE);
    if (instance === undefined) return shares;
    const assigned = new Map(shares);
    assigned.delete(HERE);
    return this.sum([assigned, new Map([[coordinate, instance]])]);
  }

  sum(values: readonly Shares[]): Shares {
    const sums = new Map<string, FieldShare>();
    for (const shares of values) {
      for (const [coordinate, { fieldCost, typeCost }] of shares) {
        const before = sums.get(coordinate) ?? { fieldCost: 0, typeCost: 0 };
        sums.set(coordinate, {
          fieldCost: Math.min(before.fieldCost + fieldCost, MOST_COST),
          typeCost: Math.min(before.typeCost + typeCost, MOST_COST),
        });
      }
    }
    return sums;
  }

  times(size: SizeUse, shares: Shares): Shares {
    if (shares.size === 0) return shares;
    const count = sizeOf(size, this.#variables);
    const scaled = (cost: number): number => Math.min(cost * count, MOST_COST);
    const entries = [...shares].map(([coordinate, { fieldCost, typeCost }]) => {
      return [coordinate, { fieldCost: scaled(fieldCost), typeCost: scaled(typeCost) }] as const;
    });
    return new Map(entries);
  }

  max(values: readonly Shares[]): Shares {
    return values.reduce((most, shares) => (totalOf(shares) > totalOf(most) ? shares : most));
  }
}

export function totalOf(shares: Shares): number {
  let sum = 0;
  for (const { fieldCost, typeCost } of shares.values()) sum += fieldCost + typeCost;
  return Math.min(sum, MOST_COST);
}
