import {
  getIntrospectionQuery,
  getNamedType,
  isObjectType,
  Kind,
  parse,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { fragmentsOf } from '../fragments.js';
import { OfSchema } from '../schemaRevision.js';
import { collectFields, type Execution } from './collect.js';
import { BYTES_PER_FIELD } from './answerLimits.js';

/** The fields that introspection resolves for one object and everything below it. */
interface Plan {
  readonly fields: { readonly field: GraphQLField<unknown, unknown>; readonly within: Plan | null }[];
  /** Keyed by object: a type, a field or an argument. */
  readonly counts: Map<unknown, number>;
}

/**
 * Counts the fields that introspection of a schema resolves. The count is exact, because the schema is known. Each
 * object is counted once per selection and then multiplied, so types that refer to each other in circles, with any
 * number of aliases, take no more steps than fields would be resolved.
 */
export class IntrospectionCounter {
  isConditional = false;
  readonly #execution: Execution;
  readonly #mostSteps: number;
  #steps = 0;
  readonly #plans = new Map<string, Plan>();
  readonly #numbers = new Map<FieldNode, number>();

  /** @param mostSteps the number of steps after which a count is Infinity */
  constructor(execution: Execution, mostSteps: number) {
    this.#execution = execution;
    this.#mostSteps = mostSteps;
  }

  /**
   * Returns the number of fields below `__schema` or `__type`; 0 for any other name.
   *
   * @param nodes of one response key
   */
  ofField(name: string, nodes: readonly FieldNode[]): number {
    const { schema } = this.#execution;
    if (name === SchemaMetaFieldDef.name) return this.#sum([schema], this.#planOf(SchemaMetaFieldDef, nodes));
    if (name !== TypeMetaFieldDef.name) return 0;
    // Uses the type with the highest count, because the name of the type may be in a variable.
    const plan = this.#planOf(TypeMetaFieldDef, nodes);
    return Object.values(schema.getTypeMap()).reduce((most, type) => Math.max(most, this.#sum([type], plan)), 0);
  }

  #sum(objects: readonly unknown[], plan: Plan | null): number {
    return plan === null ? 0 : objects.reduce<number>((count, object) => count + this.#count(object, plan), 0);
  }

  #count(object: unknown, plan: Plan): number {
    const known = plan.counts.get(object);
    if (known !== undefined) return known;
    let count = 0;
    for (const { field, within } of plan.fields) {
      this.#steps += 1;
      if (this.#steps > this.#mostSteps) return Infinity;
      const value = this.#resolve(field, object);
      const entries = Array.isArray(value) ? value : [value];
      count += Array.isArray(value) ? 1 + value.length : 1;
      if (typeof value === 'string') count += Math.floor(value.length / BYTES_PER_FIELD);
      else if (value != null) count += this.#sum(entries, within);
    }
    plan.counts.set(object, count);
    return count;
  }

  #resolve({ resolve }: GraphQLField<unknown, unknown>, object: unknown): unknown {
    // Includes deprecated ones. A count that is slightly too high does no harm.
    return resolve?.(object, { includeDeprecated: true }, undefined, { schema: this.#execution.schema } as never);
  }

  #planOf({ type }: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[]): Plan | null {
    const named = getNamedType(type);
    return isObjectType(named) ? this.#plan(named, nodes) : null;
  }

  #plan(type: GraphQLObjectType, nodes: readonly FieldNode[]): Plan {
    const key = `${type.name} ${nodes.map((node) => this.#numberOf(node)).join(' ')}`;
    let plan = this.#plans.get(key);
    if (plan !== undefined) return plan;
    plan = { fields: [], counts: new Map() };
    this.#plans.set(key, plan);
    this.#steps += 1;
    if (this.#steps > this.#mostSteps) return plan;
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const { groups, isConditional } = collectFields(sets, type, this.#execution);
    this.isConditional ||= isConditional;
    for (const group of groups.values()) {
      const field = type.getFields()[group[0]?.name.value ?? ''];
      if (field !== undefined) plan.fields.push({ field, within: this.#planOf(field, group) });
    }
    return plan;
  }

  #numberOf(node: FieldNode): number {
    const number = this.#numbers.get(node) ?? this.#numbers.size;
    this.#numbers.set(node, number);
    return number;
  }
}

const FULL_READING = parse(
  getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  }),
);

const fullReadings = new OfSchema(countFullReading);

/** Returns the number of fields that the standard introspection query resolves with all of its options. */
export function fullReading(schema: GraphQLSchema): number {
  return fullReadings.of(schema);
}

function countFullReading(schema: GraphQLSchema): number {
  const fragments = Object.fromEntries(fragmentsOf(FULL_READING));
  const fields: FieldNode[] = [];
  for (const definition of FULL_READING.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const selection of definition.selectionSet.selections)
      if (selection.kind === Kind.FIELD) fields.push(selection);
  }
  const counter = new IntrospectionCounter({ schema, fragments, variableValues: {} }, Infinity);
  return counter.ofField(SchemaMetaFieldDef.name, fields);
}
