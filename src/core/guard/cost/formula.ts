import type { Algebra } from './costWalk.js';
import type { FieldCost } from './schemaCosts.js';
import { callCost, MOST_COST, sizeOf, type CallUse, type ReadCosts, type SizeUse, type Variables } from './uses.js';

/** The maximum number of steps of a formula, and of terms in all of its steps. A longer one is not kept, because documents are cached. */
const MAX_STEPS = 256;
const MAX_TERMS = 4 * MAX_STEPS;

/** A formula has too many steps or terms. */
export class FormulaTooLong extends Error {}

/** A number, and registers with a factor for each. */
interface Linear {
  readonly base: number;
  readonly registers: readonly number[];
  readonly factors: readonly number[];
}

/** One step of a formula. Its result is in the register with its index. */
type Step =
  | { readonly kind: 'size'; readonly use: SizeUse }
  | { readonly kind: 'call'; readonly use: CallUse }
  | { readonly kind: 'times'; readonly size: number; readonly value: Linear }
  | { readonly kind: 'max'; readonly values: readonly Linear[] };

const ZERO: Linear = Object.freeze({ base: 0, registers: [], factors: [] });

/** The registers of the formula that is computed. Shared by all formulas, because computing is synchronous. */
const registers = new Float64Array(MAX_STEPS);
/** The values of variables that this formula has read. */
const read: ReadCosts = new Map();

/** Computes the cost of an operation from its variables. Parts that don't depend on them are numbers already. */
export class Formula {
  /** The lists for which an operation must give one slicing argument. */
  readonly required: readonly SizeUse[];
  readonly #steps: readonly Step[];
  readonly #total: Linear;

  constructor(steps: readonly Step[], total: Linear, required: readonly SizeUse[]) {
    this.#steps = steps;
    this.#total = total;
    this.required = required;
  }

  /** Returns the cost, from 0 to {@link MOST_COST}. */
  compute(variables: Variables): number {
    if (read.size > 0) read.clear();
    let register = 0;
    for (const step of this.#steps) {
      registers[register] = result(step, variables);
      register += 1;
    }
    return value(this.#total);
  }
}

function result(step: Step, variables: Variables): number {
  switch (step.kind) {
    case 'size':
      return sizeOf(step.use, variables);
    case 'call':
      return callCost(step.use, variables, read);
    case 'times':
      return Math.min((registers[step.size] ?? 0) * value(step.value), MOST_COST);
    case 'max': {
      let most = 0;
      for (const linear of step.values) most = Math.max(most, value(linear));
      return most;
    }
  }
}

function value({ base, registers: used, factors }: Linear): number {
  let sum = base;
  for (let i = 0; i < used.length; i += 1) sum += (registers[used[i] ?? 0] ?? 0) * (factors[i] ?? 0);
  return sum < MOST_COST ? sum : MOST_COST;
}

/** Builds a formula. Equal steps are taken once. Its methods throw {@link FormulaTooLong}. */
export class FormulaBuilder implements Algebra<Linear> {
  readonly zero = ZERO;
  readonly #steps: Step[] = [];
  readonly #known = new Map<string, number>();
  readonly #required = new Map<string, SizeUse>();
  /** The names of parts, which many types share. */
  readonly #names = new Map<Linear | SizeUse, string>();
  #terms = 0;

  finish(total: Linear): Formula {
    this.#count(total.registers.length);
    return new Formula(this.#steps, total, [...this.#required.values()]);
  }

  call(_: FieldCost, use: CallUse): Linear {
    if (use.variables.length === 0) return constant(callCost(use, {}, new Map()));
    return this.#step({ kind: 'call', use }, nameOfCall(use));
  }

  instance(weight: number): Linear {
    return constant(weight);
  }

  at(_: string, linear: Linear): Linear {
    return linear;
  }

  sum(values: readonly Linear[]): Linear {
    let base = 0;
    let factors: Map<number, number> | null = null;
    for (const linear of values) {
      base = Math.min(base + linear.base, MOST_COST);
      if (linear.registers.length === 0) continue;
      const sums = (factors ??= new Map<number, number>());
      linear.registers.forEach((register, i) => {
        const factor = (sums.get(register) ?? 0) + (linear.factors[i] ?? 0);
        sums.set(register, Math.min(factor, MOST_COST));
      });
    }
    if (factors === null) return constant(base);
    return { base, registers: [...factors.keys()], factors: [...factors.values()] };
  }

  times(use: SizeUse, linear: Linear): Linear {
    if (linear.base === 0 && linear.registers.length === 0) return ZERO;
    if (use.variables.length === 0 && !use.requireOne) return scaled(linear, sizeOf(use, {}));
    const name = this.#nameOf(use, nameOfSize);
    if (use.requireOne) this.#required.set(name, use);
    if (use.variables.length === 0) return scaled(linear, sizeOf(use, {}));
    const size = this.#register({ kind: 'size', use }, name);
    return this.#step({ kind: 'times', size, value: linear }, `times ${size} ${this.#nameOf(linear, nameOfLinear)}`);
  }

  max(values: readonly Linear[]): Linear {
    let most: Linear | null = null;
    const different = new Map<string, Linear>();
    for (const linear of values) {
      if (linear.registers.length > 0) different.set(this.#nameOf(linear, nameOfLinear), linear);
      else if (most === null || linear.base > most.base) most = linear;
    }
    const all = [...(most === null ? [] : [most]), ...different.values()];
    const [first = ZERO] = all;
    if (all.length <= 1) return first;
    return this.#step({ kind: 'max', values: all }, `max ${most?.base ?? ''} ${[...different.keys()].join('|')}`);
  }

  #nameOf<Part extends Linear | SizeUse>(part: Part, name: (part: Part) => string): string {
    let known = this.#names.get(part);
    if (known === undefined) this.#names.set(part, (known = name(part)));
    return known;
  }

  /** @throws FormulaTooLong */
  #count(terms: number): void {
    this.#terms += terms;
    if (this.#steps.length > MAX_STEPS || this.#terms > MAX_TERMS) throw new FormulaTooLong();
  }

  #step(step: Step, name: string | null): Linear {
    return { base: 0, registers: [this.#register(step, name)], factors: [1] };
  }

  /** @param name the same for equal steps; null if it is unique */
  #register(step: Step, name: string | null): number {
    let register = name === null ? undefined : this.#known.get(name);
    if (register === undefined) {
      register = this.#steps.push(step) - 1;
      this.#count(termsOf(step));
      if (name !== null) this.#known.set(name, register);
    }
    return register;
  }
}

function termsOf(step: Step): number {
  if (step.kind === 'times') return 1 + step.value.registers.length;
  return step.kind === 'max' ? step.values.reduce((sum, { registers: used }) => sum + 1 + used.length, 0) : 1;
}

function nameOfLinear({ base, registers: used, factors }: Linear): string {
  return `${base} ${used.join()} ${factors.join()}`;
}

/** The same for sizes that are equal for all variables. */
function nameOfSize({ coordinate, fallback, constants, given, variables }: SizeUse): string {
  const slices = variables.map(
    ({ variable, path, from }) => `${variable} ${from} ${path.steps.map(({ name }) => name).join('.')}`,
  );
  return `size ${coordinate} ${fallback} ${given} ${constants.join()} ${slices.join()}`;
}

/** Null if it depends on the fields of a variable, so it is not compared. */
function nameOfCall({ constant: base, variables }: CallUse): string | null {
  if (variables.some(({ cost }) => cost.within !== null)) return null;
  return `call ${base} ${variables.map(({ variable, cost, otherwise }) => `${variable} ${cost.weight} ${otherwise}`).join()}`;
}

function constant(base: number): Linear {
  return base === 0 ? ZERO : { base, registers: ZERO.registers, factors: ZERO.factors };
}

function scaled({ base, registers: used, factors }: Linear, size: number): Linear {
  if (size === 0) return ZERO;
  const times = (number: number): number => Math.min(number * size, MOST_COST);
  return { base: times(base), registers: used, factors: factors.map(times) };
}
