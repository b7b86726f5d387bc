import type { FieldNode, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { Rule, SchemaRules } from '../rules.js';
import { inputPlansOf, type InputPlan, type InputPlans } from './inputPlans.js';
import { InputCollector, type InputUse } from './inputUse.js';
import { readVariable } from './readValue.js';

const NONE: ReadonlySet<Rule> = new Set();

/** Finds the rules of arguments and input fields that each field of one request uses. */
export class FieldInputs {
  readonly #plans: InputPlans;
  readonly #operation: OperationDefinitionNode;
  readonly #variables: Readonly<Record<string, unknown>>;
  /** Each value is read once for each plan, because many fields can share a large variable. */
  readonly #read = new Map<string, Map<InputPlan, ReadonlySet<Rule>>>();

  constructor(
    schema: GraphQLSchema,
    rules: SchemaRules,
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
  ) {
    this.#plans = inputPlansOf(schema, rules);
    this.#operation = operation;
    this.#variables = variables;
  }

  of(parent: GraphQLObjectType, node: FieldNode): ReadonlySet<Rule> {
    const steps = this.#plans.fields.get(parent.name)?.get(node.name.value);
    if (steps === undefined || node.arguments === undefined || node.arguments.length === 0) return NONE;
    const collector = new InputCollector();
    collector.add(node.arguments, steps);
    const use = collector.finish(this.#operation);
    return use === null ? collector.always : new Set([...collector.always, ...this.#usedBy(use)]);
  }

  #usedBy({ variables }: InputUse): Rule[] {
    return variables.flatMap(({ name, rules, plans, otherwise }) => {
      if (!Object.hasOwn(this.#variables, name)) return otherwise;
      return [...rules, ...plans.flatMap((plan) => [...this.#valueOf(name, plan)])];
    });
  }

  #valueOf(name: string, plan: InputPlan): ReadonlySet<Rule> {
    let ofVariable = this.#read.get(name);
    if (ofVariable === undefined) this.#read.set(name, (ofVariable = new Map<InputPlan, ReadonlySet<Rule>>()));
    let used = ofVariable.get(plan);
    if (used === undefined) {
      const found = new Set<Rule>();
      readVariable(this.#variables[name], plan, found);
      ofVariable.set(plan, (used = found));
    }
    return used;
  }
}
