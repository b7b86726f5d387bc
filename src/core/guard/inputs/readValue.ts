import type { Rule } from '../rules.js';
import type { InputPlan, InputStep, InputSteps } from './inputPlans.js';

/** The number of values that are read. A larger value counts as one that uses every field. */
const MAX_VALUES = 1_000_000;

/** How a value that was given differs from one that is absent. */
type IsUsed = (object: Readonly<Record<string, unknown>>, name: string, step: InputStep) => boolean;

/** For variables as they were sent: like graphql-js, which also reads inherited properties. */
const isSent: IsUsed = (object, name) => object[name] !== undefined;

/** In arguments of a resolver, graphql-js has put the default in place of each absent value. */
const isNoDefault: IsUsed = (object, name, { defaultValue }) =>
  Object.hasOwn(object, name) && !Object.is(object[name], defaultValue);

/** Adds the rules of the input fields that a variable's value has, at any depth. */
export function readVariable(value: unknown, plan: InputPlan, used: Set<Rule>): void {
  read([value], [plan], isSent, used);
}

/**
 * Returns the rules of the arguments that a resolver receives, and of their input fields. A value that equals the default
 * of the schema counts as absent, because both have the same effect.
 */
export function readArguments(args: Readonly<Record<string, unknown>>, steps: InputSteps): ReadonlySet<Rule> {
  const used = new Set<Rule>();
  const values: unknown[] = [];
  const plans: InputPlan[] = [];
  for (const [name, step] of steps) {
    if (!isNoDefault(args, name, step)) continue;
    if (step.rule !== null) used.add(step.rule);
    if (step.within === null) continue;
    values.push(args[name]);
    plans.push(step.within);
  }
  if (values.length > 0) read(values, plans, isNoDefault, used);
  return used;
}

/** B20: adds the rule of the type that a representation names. */
function readEntity(value: object, { entities, reach }: InputPlan, used: Set<Rule>): void {
  const { __typename: name } = value as { readonly __typename?: unknown };
  if (name === undefined || name === null) return;
  if (typeof name !== 'string') {
    // A list of one name is used as this name.
    for (const rule of reach) used.add(rule);
    return;
  }
  const rule = entities?.get(name);
  if (rule !== undefined) used.add(rule);
}

/** Uses its own lists instead of the call stack, because a request can nest values deeper than the stack. */
function read(values: unknown[], plans: InputPlan[], isUsed: IsUsed, used: Set<Rule>): void {
  let left = MAX_VALUES;
  for (;;) {
    const plan = plans.pop();
    if (plan === undefined) return;
    const value = values.pop();
    left -= 1;
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      // graphql-js also accepts a list of lists, and an object in place of a list of one.
      for (const item of value as readonly unknown[]) {
        values.push(item);
        plans.push(plan);
      }
      left -= value.length;
    } else if (plan.entities !== null) {
      readEntity(value, plan, used);
    } else if (Symbol.iterator in value) {
      // graphql-js accepts any iterable as a list, but some can be read only once.
      for (const rule of plan.reach) used.add(rule);
    } else {
      for (const [name, step] of plan.fields) {
        const object = value as Readonly<Record<string, unknown>>;
        if (!isUsed(object, name, step)) continue;
        if (step.rule !== null) used.add(step.rule);
        if (step.within === null) continue;
        values.push(object[name]);
        plans.push(step.within);
      }
    }
    if (left < 0) for (const { reach } of [plan, ...plans.splice(0)]) for (const rule of reach) used.add(rule);
  }
}
