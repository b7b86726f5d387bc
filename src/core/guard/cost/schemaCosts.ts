import {
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLType,
} from 'graphql';
import type { Annotated } from '../appliedDirectives.js';
import { entitiesField, REPRESENTATIONS } from '../federation/entities.js';
import { COST, costNames, LIST_SIZE, partCost, UNIT, type ListSizeArguments, type PartCost } from './costDirectives.js';

/** The cost of an argument or an input field that an operation gives a value other than null. */
export interface InputCost {
  /** In {@link UNIT}s. Can be negative. */
  readonly weight: number;
  /** The costs of the fields of its value; null if they cost nothing. */
  readonly within: InputCosts | null;
}

/** The arguments or input fields that cost something, by name. */
export type InputCosts = ReadonlyMap<string, InputCost>;

/** A field on the path to a value, and its default value. */
interface Step {
  readonly name: string;
  readonly defaultValue: unknown;
}

/** The path from a field to a number of entries. */
export interface SlicingPath {
  /** The first one is an argument. */
  readonly steps: readonly Step[];
  /** Whether the last step is a list, whose length is the number. */
  readonly isList: boolean;
}

/**
 * Returns the number at the end of a path, or the length of the list there, 0 or more; null if there is none.
 *
 * @param value the value of the first step
 * @param from the next step
 */
export function readCount(value: unknown, { steps, isList }: SlicingPath, from: number): number | null {
  let current = value;
  for (let at = from; at < steps.length; at += 1) {
    const step = steps[at];
    if (step === undefined || typeof current !== 'object' || current === null) return null;
    const inner = (current as Readonly<Record<string, unknown>>)[step.name];
    current = inner === undefined ? step.defaultValue : inner;
  }
  if (current === undefined || current === null) return null;
  // GraphQL reads a single value as a list of one.
  if (isList) return Array.isArray(current) ? current.length : 1;
  return typeof current === 'number' && Number.isFinite(current) ? Math.max(0, Math.ceil(current)) : null;
}

/** The size of a list. */
export interface ListSize {
  /** The paths to slicing arguments. The largest value counts. */
  readonly slicing: readonly SlicingPath[];
  /** The size without a slicing argument; null for the default of all lists. */
  readonly assumed: number | null;
  readonly requireOne: boolean;
  /** The fields of the returned object with this size; null for the field itself. */
  readonly fields: ReadonlySet<string> | null;
}

/** The cost of a field of an object type. */
export interface FieldCost {
  readonly coordinate: string;
  /** Of one call of its resolver, in {@link UNIT}s. Can be negative. */
  readonly weight: number;
  readonly arguments: InputCosts;
  readonly type: GraphQLNamedType;
  /** 0 if it doesn't return a list. */
  readonly depth: number;
  readonly size: ListSize | null;
}

/** The cost directives of a schema, with their defaults. */
export interface SchemaCosts {
  readonly schema: GraphQLSchema;
  /** Whether a part of the schema has such a directive. */
  readonly isDeclared: boolean;
  /** Of one value, in {@link UNIT}s, by object type, scalar and enum. */
  readonly types: ReadonlyMap<string, number>;
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, FieldCost>>;
  /** The arguments of directives for operations that cost something. */
  readonly directives: ReadonlyMap<string, InputCosts>;
  /** Sentences that begin with a coordinate, for directives that can't be used. */
  readonly faults: readonly string[];
  /** The coordinates of fields that return lists of an unknown size. */
  readonly unsized: readonly string[];
}

const read = new WeakMap<GraphQLSchema, SchemaCosts>();

/** Returns the costs of a schema. They are read once. */
export function costsOf(schema: GraphQLSchema): SchemaCosts {
  let costs = read.get(schema);
  if (costs === undefined) read.set(schema, (costs = new CostReader(schema).read()));
  return costs;
}

const NO_INPUTS: InputCosts = new Map();

/** Reads the directives of one schema, with the defaults of the specification (section 7.1). */
class CostReader {
  readonly #schema: GraphQLSchema;
  readonly #names: ReturnType<typeof costNames>;
  readonly #faults: string[] = [];
  readonly #inputs = new Map<GraphQLInputObjectType, InputCosts | null>();
  readonly #sizes = new Map<string, ListSize>();
  #isDeclared = false;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
    this.#names = costNames(schema);
  }

  read(): SchemaCosts {
    const all = Object.values(this.#schema.getTypeMap()).filter((type) => !isIntrospectionType(type));
    const types = new Map<string, number>();
    const fields = new Map<string, ReadonlyMap<string, FieldCost>>();
    this.#part(this.#schema, 'schema', []);
    for (const type of all) {
      const { weight } = this.#part(type, type.name, isObjectType(type) || isLeafType(type) ? [COST] : []);
      if (isObjectType(type) || isLeafType(type)) types.set(type.name, this.#typeWeight(type, weight));
      if (isObjectType(type)) fields.set(type.name, this.#fieldsOf(type));
      if (isInterfaceType(type)) this.#checkInterface(type);
      if (isInputObjectType(type)) this.#inputsOf(type);
      if (isEnumType(type))
        for (const { name, ...value } of type.getValues()) this.#part(value, `${type.name}.${name}`, []);
    }
    const directives = this.#directives();
    const unsized = unsizedLists(fields, types);
    return {
      schema: this.#schema,
      isDeclared: this.#isDeclared,
      types,
      fields,
      directives,
      faults: this.#faults,
      unsized,
    };
  }

  #part(part: Annotated, coordinate: string, allowed: readonly string[]): PartCost {
    const cost = partCost(part, this.#names);
    if (cost.weight !== null || cost.listSize !== null) this.#isDeclared = true;
    for (const fault of cost.faults) this.#faults.push(`${coordinate}: ${fault}.`);
    for (const [kind, value] of [
      [COST, cost.weight],
      [LIST_SIZE, cost.listSize],
    ] as const) {
      if (value !== null && !allowed.includes(kind))
        this.#faults.push(`${coordinate}: @${kind} has no effect here. ${WHERE[kind]}.`);
    }
    return cost;
  }

  /** A caller can select a type as often as they want, so its weight must not be negative and make room for other fields. */
  #typeWeight(type: GraphQLNamedType, weight: number | null): number {
    if (weight === null) return isLeafType(type) ? 0 : UNIT;
    if (weight >= 0) return weight;
    this.#faults.push(
      `${type.name}: @cost(weight:) of a type is negative. Only arguments, input fields and fields can have a negative weight.`,
    );
    return 0;
  }

  #fieldsOf(type: GraphQLObjectType): Map<string, FieldCost> {
    const fields = new Map<string, FieldCost>();
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`;
      const { weight, listSize } = this.#part(field, coordinate, [COST, LIST_SIZE]);
      const named = getNamedType(field.type);
      const size = listSize === null ? this.#inheritedSize(type, field) : this.#sizeOf(field, coordinate, listSize);
      fields.set(field.name, {
        coordinate,
        weight: weight ?? (isCompositeType(named) ? UNIT : 0),
        arguments: this.#argumentsOf(field, coordinate),
        type: named,
        depth: depthOf(field.type),
        size,
      });
    }
    return fields;
  }

  /** The size of a list can be declared on an interface. That of `_entities` is the number of keys. */
  #inheritedSize(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): ListSize | null {
    if (field === entitiesField(this.#schema)) {
      const slicing = [{ steps: [{ name: REPRESENTATIONS, defaultValue: undefined }], isList: true }];
      return { slicing, assumed: null, requireOne: false, fields: null };
    }
    for (const one of type.getInterfaces()) {
      const declared = one.getFields()[field.name];
      const { listSize } = declared === undefined ? { listSize: null } : partCost(declared, this.#names);
      if (declared !== undefined && listSize !== null)
        return this.#sizeOf(field, `${type.name}.${field.name}`, listSize);
    }
    return null;
  }

  #sizeOf(field: GraphQLField<unknown, unknown>, coordinate: string, given: ListSizeArguments): ListSize | null {
    const fault = (text: string): null => {
      const sentence = `${coordinate}: ${text}.`;
      if (!this.#faults.includes(sentence)) this.#faults.push(sentence);
      return null;
    };
    const { assumedSize: assumed, slicingArguments, sizedFields, requireOne } = given;
    if (sizedFields.length === 0 && depthOf(field.type) === 0) {
      return fault('@listSize is on a field that returns no list. Add sizedFields, or remove it');
    }
    const wrong = sizedFields.find((name) => !returnsList(this.#schema, getNamedType(field.type), name));
    if (wrong !== undefined) {
      return fault(`@listSize(sizedFields:) has ${wrong}, which is not a list of ${getNamedType(field.type).name}`);
    }
    const slicing: SlicingPath[] = [];
    for (const name of slicingArguments) {
      const path = slicingPath(field.args, name.split('.'));
      if (path === null)
        return fault(`@listSize(slicingArguments:) has ${name}, which is not an argument of type Int or a list`);
      slicing.push(path);
    }
    const fields = sizedFields.length === 0 ? null : new Set(sizedFields);
    // The same object for equal directives, so that the fields of an interface's types share computed values.
    const name = JSON.stringify({ slicing, assumed, requireOne, sizedFields }, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    let size = this.#sizes.get(name);
    if (size === undefined) this.#sizes.set(name, (size = { slicing, assumed, requireOne, fields }));
    return size;
  }

  #checkInterface(type: GraphQLInterfaceType): void {
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`;
      const { listSize } = this.#part(field, coordinate, [LIST_SIZE]);
      if (listSize !== null) this.#sizeOf(field, coordinate, listSize);
      for (const arg of field.args) this.#part(arg, `${coordinate}(${arg.name}:)`, []);
    }
  }

  #argumentsOf({ args }: { readonly args: readonly GraphQLArgument[] }, coordinate: string): InputCosts {
    const costs = new Map<string, InputCost>();
    for (const arg of args) {
      const { weight } = this.#part(arg, `${coordinate}(${arg.name}:)`, [COST]);
      this.#add(costs, arg, weight);
    }
    return costs.size === 0 ? NO_INPUTS : costs;
  }

  #add(costs: Map<string, InputCost>, { name, type }: GraphQLArgument | GraphQLInputField, given: number | null): void {
    const named = getNamedType(type);
    const isInput = isInputObjectType(named);
    const weight = given ?? (isInput ? UNIT : 0);
    const within = isInput ? this.#inputsOf(named) : null;
    if (weight !== 0 || within !== null) costs.set(name, { weight, within });
  }

  /** Returns null for a type without costs at any depth, so that its values are not read. */
  #inputsOf(type: GraphQLInputObjectType): InputCosts | null {
    const known = this.#inputs.get(type);
    if (known !== undefined) return known;
    const costs = new Map<string, InputCost>();
    // Set before its fields are read, because an input type can contain itself. Then one of its fields has the default weight of an input.
    this.#inputs.set(type, costs);
    for (const field of Object.values(type.getFields())) {
      const { weight } = this.#part(field, `${type.name}.${field.name}`, [COST]);
      this.#add(costs, field, weight);
    }
    if (costs.size > 0) return costs;
    this.#inputs.set(type, null);
    return null;
  }

  #directives(): Map<string, InputCosts> {
    const directives = new Map<string, InputCosts>();
    for (const directive of this.#schema.getDirectives()) {
      const costs = this.#argumentsOf(directive, `@${directive.name}`);
      if (costs.size > 0) directives.set(directive.name, costs);
    }
    return directives;
  }
}

const WHERE = {
  [COST]:
    'Put it on object types, scalars and enums, on fields of object types, and on arguments and input fields (for an interface or a union, on each of its object types)',
  [LIST_SIZE]: 'Put it on fields',
} as const;

/** Returns the fields that return a list without a size, if its entries cost something. */
function unsizedLists(fields: SchemaCosts['fields'], types: SchemaCosts['types']): string[] {
  const all = [...fields.values()].flatMap((ofType) => [...ofType.values()]);
  const sized = new Set<string>();
  for (const { type, size } of all) for (const name of size?.fields ?? []) sized.add(`${type.name}.${name}`);
  return all
    .filter(({ depth, size }) => depth > 0 && size?.fields !== null)
    .filter(({ type, coordinate }) => !sized.has(coordinate) && (types.get(type.name) ?? UNIT) > 0)
    .map(({ coordinate }) => coordinate);
}

/** Returns how many lists a type nests: 2 for `[[Int]]`. */
function depthOf(type: GraphQLType): number {
  if (isNonNullType(type)) return depthOf(type.ofType);
  return isListType(type) ? 1 + depthOf(type.ofType) : 0;
}

function returnsList(schema: GraphQLSchema, type: GraphQLNamedType, name: string): boolean {
  if (!isCompositeType(type)) return false;
  const owners = isObjectType(type) || isInterfaceType(type) ? [type] : schema.getPossibleTypes(type);
  return owners.some((owner) => {
    const field = owner.getFields()[name];
    return field !== undefined && depthOf(field.type) > 0;
  });
}

/** Returns null if the names don't lead to an Int or a list. */
function slicingPath(
  parts: readonly (GraphQLArgument | GraphQLInputField)[],
  [name, ...rest]: readonly string[],
): SlicingPath | null {
  const part = parts.find((one) => one.name === name);
  if (part === undefined) return null;
  const step = { name: part.name, defaultValue: part.defaultValue };
  const type = getNamedType(part.type);
  // `orders(ids: [ID!]!)` returns as many orders as it has IDs.
  const isList = depthOf(part.type) > 0;
  if (rest.length === 0) return isList || type.name === 'Int' ? { steps: [step], isList } : null;
  if (!isInputObjectType(type) || isList) return null;
  const further = slicingPath(Object.values(type.getFields()), rest);
  return further && { steps: [step, ...further.steps], isList: further.isList };
}
