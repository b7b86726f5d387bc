import { Kind, type ArgumentNode, type OperationDefinitionNode, type ValueNode } from 'graphql';
import type { Rule } from '../rules.js';
import type { InputPlan, InputSteps } from './inputPlans.js';
import { readVariable } from './readValue.js';

type Variables = Readonly<Record<string, unknown>>;

/** The places of a variable: the rules of the arguments and input fields that it is given for, and of its value. */
interface Places {
  readonly rules: Set<Rule>;
  readonly plans: Set<InputPlan>;
}

/** A variable whose rules depend on the request. */
interface VariableUse {
  readonly name: string;
  /** The rules that apply if the variable is given. */
  readonly rules: readonly Rule[];
  /** The checks of its value. */
  readonly plans: readonly InputPlan[];
  /** The rules that apply if it is not given: the rules of its default value, if it has one. */
  readonly otherwise: readonly Rule[];
}

/** The rules of an operation's arguments that depend on its variables. */
export interface InputUse {
  /** All of them, without duplicates. */
  readonly possible: readonly Rule[];
  readonly variables: readonly VariableUse[];
}

/** Collects the arguments and input fields that the selected parts of an operation use. */
export class InputCollector {
  /** The rules that apply whatever the variables are. */
  readonly always = new Set<Rule>();
  readonly #variables = new Map<string, Places>();

  /** @param steps the checked arguments; undefined if none */
  add(args: readonly ArgumentNode[] | undefined, steps: InputSteps | undefined): void {
    if (args === undefined || steps === undefined) return;
    for (const { name, value } of args) {
      const step = steps.get(name.value);
      if (step !== undefined) this.#use(value, step.rule, step.within);
    }
  }

  /** Returns what depends on the variables; null if nothing does. The rest is in {@link always}. */
  finish({ variableDefinitions = [] }: OperationDefinitionNode): InputUse | null {
    if (this.#variables.size === 0) return null;
    const variables: VariableUse[] = [];
    for (const { variable, type, defaultValue } of variableDefinitions) {
      const name = variable.name.value;
      const places = this.#variables.get(name);
      if (places === undefined) continue;
      const isAlwaysGiven = type.kind === Kind.NON_NULL_TYPE || defaultValue !== undefined;
      // Without a value of a required variable, the operation does not run.
      if (isAlwaysGiven) for (const rule of places.rules) this.always.add(rule);
      const ofDefault = new InputCollector();
      for (const plan of places.plans) if (defaultValue !== undefined) ofDefault.#within(defaultValue, plan);
      const rules = isAlwaysGiven ? [] : [...places.rules];
      const plans = [...places.plans];
      if (rules.length === 0 && plans.length === 0) continue;
      variables.push({ name, rules, plans, otherwise: [...ofDefault.always] });
    }
    if (variables.length === 0) return null;
    const possible = new Set<Rule>();
    for (const { rules, plans } of variables) {
      for (const rule of rules) possible.add(rule);
      for (const { reach } of plans) for (const rule of reach) possible.add(rule);
    }
    for (const rule of this.always) possible.delete(rule);
    return { possible: [...possible], variables };
  }

  #use(value: ValueNode, rule: Rule | null, within: InputPlan | null): void {
    if (value.kind === Kind.VARIABLE) {
      const places = this.#placesOf(value.name.value);
      if (rule !== null) places.rules.add(rule);
      if (within !== null) places.plans.add(within);
      return;
    }
    // An explicit null is a use, too.
    if (rule !== null) this.always.add(rule);
    if (within !== null) this.#within(value, within);
  }

  #within(value: ValueNode, plan: InputPlan): void {
    if (value.kind === Kind.VARIABLE) this.#placesOf(value.name.value).plans.add(plan);
    else if (value.kind === Kind.LIST) for (const item of value.values) this.#within(item, plan);
    else if (value.kind === Kind.OBJECT) {
      for (const field of value.fields) {
        if (plan.entities !== null && field.name.value === '__typename') this.#entity(field.value, plan);
        const step = plan.fields.get(field.name.value);
        if (step !== undefined) this.#use(field.value, step.rule, step.within);
      }
    }
  }

  /** B20: adds the rule of the type that a representation names. */
  #entity(name: ValueNode, { entities, reach }: InputPlan): void {
    const rule = name.kind === Kind.STRING || name.kind === Kind.ENUM ? entities?.get(name.value) : null;
    // A variable or a list could name any type.
    if (rule === null) for (const any of reach) this.always.add(any);
    else if (rule !== undefined) this.always.add(rule);
  }

  #placesOf(name: string): Places {
    let places = this.#variables.get(name);
    if (places === undefined) this.#variables.set(name, (places = { rules: new Set(), plans: new Set() }));
    return places;
  }
}

/** Returns the rules that the variables of a request add. Their values are read only if a rule can apply. */
export function usedBy(use: InputUse, variables: Variables): ReadonlySet<Rule> {
  const used = new Set<Rule>();
  for (const { name, rules, plans, otherwise } of use.variables) {
    // As graphql-js looks variables up: undefined counts as null, and inherited properties are not variables.
    if (!Object.hasOwn(variables, name)) {
      for (const rule of otherwise) used.add(rule);
      continue;
    }
    for (const rule of rules) used.add(rule);
    for (const plan of plans) readVariable(variables[name], plan, used);
  }
  return used;
}
