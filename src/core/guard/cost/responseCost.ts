import type { PlannedField, PlannedObject, ResponsePlan } from './responsePlan.js';
import { callCost, MOST_COST, type ReadCosts, type Variables } from './uses.js';

/** The number of objects and entries after which a response is not measured further. */
const MAX_VALUES = 500_000;

/**
 * Returns the cost of a response: what the specification calls a query response analysis. The type of an object is known from
 * `__typename` if the operation selects it; otherwise, the one that costs most counts.
 *
 * @param data of a response without errors
 * @returns null if it is too large to be measured
 */
export function responseCost(
  plan: ResponsePlan,
  data: Readonly<Record<string, unknown>>,
  variables: Variables,
): number | null {
  const measurement = new Measurement(plan, variables);
  const { root } = plan;
  if (root !== null) measurement.object(data, root);
  return measurement.isTooLarge ? null : Math.min(measurement.sum, MOST_COST);
}

class Measurement {
  sum = 0;
  isTooLarge = false;
  readonly #plan: ResponsePlan;
  readonly #variables: Variables;
  /** Created on demand, because most operations cost the same with any variables. */
  #ofCalls: { readonly read: ReadCosts; readonly known: Map<PlannedField, number> } | null = null;
  #left = MAX_VALUES;

  constructor(plan: ResponsePlan, variables: Variables) {
    this.#plan = plan;
    this.#variables = variables;
  }

  object(value: Readonly<Record<string, unknown>>, { weight, fields }: PlannedObject): void {
    this.sum += weight;
    for (const field of fields) {
      const inner = value[field.key];
      if (inner === undefined) continue;
      this.sum += this.#call(field);
      this.#value(inner, field, field.depth);
    }
  }

  /** The resolver is called for each object, and its arguments are the same for all of them. */
  #call(field: PlannedField): number {
    if (field.call !== null) return field.call;
    const { read, known } = (this.#ofCalls ??= { read: new Map(), known: new Map<PlannedField, number>() });
    let cost = known.get(field);
    if (cost === undefined) {
      cost = Math.max(...field.calls.map((use) => callCost(use, this.#variables, read)));
      known.set(field, cost);
    }
    return cost;
  }

  #value(value: unknown, field: PlannedField, depth: number): void {
    if (value === null || value === undefined || this.isTooLarge) return;
    if (depth > 0 && Array.isArray(value)) {
      if (field.leaf === 0) return;
      for (const entry of value as unknown[]) this.#value(entry, field, depth - 1);
      return;
    }
    this.#left -= 1;
    if (this.#left < 0) this.isTooLarge = true;
    else if (field.leaf !== null) this.sum += field.leaf;
    else if (typeof value === 'object') this.#inner(value as Readonly<Record<string, unknown>>, field);
  }

  #inner(value: Readonly<Record<string, unknown>>, field: PlannedField): void {
    let object = this.#plan.object(field, undefined);
    const name = object?.typeKey == null ? undefined : value[object.typeKey];
    if (typeof name === 'string') object = this.#plan.object(field, name);
    if (object === null) this.isTooLarge = true;
    else this.object(value, object);
  }
}
