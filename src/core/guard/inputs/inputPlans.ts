import {
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLSchema,
} from 'graphql';
import { entitiesField, REPRESENTATIONS } from '../federation/entities.js';
import type { Rule, SchemaRules } from '../rules.js';

/** An argument or input field whose value is checked. */
export interface InputStep {
  /** The rule for using it at all; null if only its value is checked. */
  readonly rule: Rule | null;
  /** The checks of its value; null if there are none. */
  readonly within: InputPlan | null;
  /** As graphql-js uses it: the same object for each absent value. */
  readonly defaultValue: unknown;
}

/** The checked fields of an input type. Input types that lead to no rule have no plan, so that their values are not read. */
export interface InputPlan {
  readonly fields: ReadonlyMap<string, InputStep>;
  /** The rules of all fields at any depth. */
  readonly reach: readonly Rule[];
  /** The rules of the types that its `__typename` can name, for the entities of a subgraph (B20); null if it is another type. */
  readonly entities: ReadonlyMap<string, Rule> | null;
}

export type InputSteps = ReadonlyMap<string, InputStep>;

/** The checked arguments of a schema. */
export interface InputPlans {
  /** By type and field name. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, InputSteps>>;
  /** The arguments of directives, such as `@within(filter: …)`. */
  readonly directives: ReadonlyMap<string, InputSteps>;
}

const NONE: InputPlans = { fields: new Map(), directives: new Map() };

const plansByRules = new WeakMap<SchemaRules, InputPlans>();

/** Returns the checks of arguments that the rules of a schema require, compiled once. */
export function inputPlansOf(schema: GraphQLSchema, rules: SchemaRules): InputPlans {
  let plans = plansByRules.get(rules);
  if (plans === undefined) plansByRules.set(rules, (plans = new Compiler(schema, rules).plans()));
  return plans;
}

/** Returns whether a schema has rules of arguments or input fields. */
export function hasInputRules(rules: SchemaRules): boolean {
  return rules.arguments.size > 0 || rules.inputs.size > 0;
}

/** Returns the rules of all arguments in a plan and of the input fields below them. */
export function reachOf(steps: InputSteps): readonly Rule[] {
  const reach = new Set<Rule>();
  for (const { rule, within } of steps.values()) {
    if (rule !== null) reach.add(rule);
    for (const inner of within?.reach ?? []) reach.add(inner);
  }
  return [...reach];
}

class Compiler {
  readonly #schema: GraphQLSchema;
  readonly #rules: SchemaRules;
  readonly #guarded: ReadonlySet<GraphQLInputObjectType>;
  readonly #plans = new Map<GraphQLInputObjectType, InputPlan>();

  constructor(schema: GraphQLSchema, rules: SchemaRules) {
    this.#schema = schema;
    this.#rules = rules;
    this.#guarded = guardedInputs(schema, rules);
  }

  plans(): InputPlans {
    const entities = this.#entities();
    if (!hasInputRules(this.#rules) && entities === null) return NONE;
    const fields = new Map<string, ReadonlyMap<string, InputSteps>>();
    for (const type of Object.values(this.#schema.getTypeMap())) {
      if (!isObjectType(type) || isIntrospectionType(type)) continue;
      const ofType = new Map<string, InputSteps>();
      for (const { name, args } of Object.values(type.getFields())) {
        const steps = this.#steps(args, this.#rules.arguments.get(`${type.name}.${name}`));
        if (entities !== null && type === this.#schema.getQueryType() && name === '_entities') {
          steps.set(REPRESENTATIONS, { rule: null, within: entities, defaultValue: undefined });
        }
        if (steps.size > 0) ofType.set(name, steps);
      }
      if (ofType.size > 0) fields.set(type.name, ofType);
    }
    const directives = new Map<string, InputSteps>();
    for (const { name, args } of this.#schema.getDirectives()) {
      const steps = this.#steps(args, undefined);
      if (steps.size > 0) directives.set(name, steps);
    }
    return { fields, directives };
  }

  #entities(): InputPlan | null {
    if (entitiesField(this.#schema) === undefined) return null;
    const isEntity = (type: unknown): boolean => isObjectType(type) || isInterfaceType(type);
    const entities = new Map([...this.#rules.types].filter(([name]) => isEntity(this.#schema.getType(name))));
    if (entities.size === 0) return null;
    return { fields: new Map(), reach: [...entities.values()], entities };
  }

  #steps(
    parts: readonly (GraphQLArgument | GraphQLInputField)[],
    rules: ReadonlyMap<string, Rule> | undefined,
  ): Map<string, InputStep> {
    const steps = new Map<string, InputStep>();
    for (const { name, type, defaultValue } of parts) {
      const named = getNamedType(type);
      const rule = rules?.get(name) ?? null;
      const within = isInputObjectType(named) && this.#guarded.has(named) ? this.#planOf(named) : null;
      if (rule !== null || within !== null) steps.set(name, { rule, within, defaultValue });
    }
    return steps;
  }

  #planOf(type: GraphQLInputObjectType): InputPlan {
    const known = this.#plans.get(type);
    if (known !== undefined) return known;
    const fields = new Map<string, InputStep>();
    const plan = { fields, reach: reachable(type, this.#rules), entities: null };
    // Set before its fields, because an input type can contain itself.
    this.#plans.set(type, plan);
    for (const [name, step] of this.#steps(Object.values(type.getFields()), this.#rules.inputs.get(type.name))) {
      fields.set(name, step);
    }
    return plan;
  }
}

/** Returns the input types that have a field with a rule, at any depth. */
function guardedInputs(schema: GraphQLSchema, rules: SchemaRules): ReadonlySet<GraphQLInputObjectType> {
  const inputs = Object.values(schema.getTypeMap()).filter(isInputObjectType);
  return new Set(inputs.filter((type) => reachable(type, rules).length > 0));
}

function reachable(type: GraphQLInputObjectType, rules: SchemaRules): Rule[] {
  const types = new Set([type]);
  const found: Rule[] = [];
  // The set grows during the iteration.
  for (const one of types) {
    found.push(...(rules.inputs.get(one.name)?.values() ?? []));
    for (const field of Object.values(one.getFields())) {
      const inner = getNamedType(field.type);
      if (isInputObjectType(inner)) types.add(inner);
    }
  }
  return found;
}
