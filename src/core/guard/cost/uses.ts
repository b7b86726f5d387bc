import {
  Kind,
  valueFromASTUntyped,
  type ArgumentNode,
  type FieldNode,
  type OperationDefinitionNode,
  type ValueNode,
  type VariableDefinitionNode,
} from 'graphql';
import {
  readCount,
  type InputCost,
  type InputCosts,
  type FieldCost,
  type ListSize,
  type SchemaCosts,
  type SlicingPath,
} from './schemaCosts.js';

export type Variables = Readonly<Record<string, unknown>>;

/** The largest cost. Sums and products stop at this value, so that no number overflows. */
export const MOST_COST = Number.MAX_SAFE_INTEGER;

/** The number of values in variables that are read. A larger value costs {@link MOST_COST}. */
const MAX_VALUES = 1_000_000;

/** A variable in an argument or in its value. */
interface VariableUse {
  readonly variable: string;
  readonly cost: InputCost;
  /** The cost if the variable is not given. */
  readonly otherwise: number;
}

/** The call of a field's resolver. */
export interface CallUse {
  /** The cost without variables. Can be negative. */
  readonly constant: number;
  readonly variables: readonly VariableUse[];
}

/** A variable that is the value of a slicing argument. */
interface VariableSlice {
  readonly variable: string;
  readonly path: SlicingPath;
  /** The step of the path after the variable. */
  readonly from: number;
  /** The default of the variable; undefined if it has none. */
  readonly variableDefault: unknown;
  /** The value if the variable is not given. */
  readonly otherwise: number | null;
}

/** An argument or a field of an input object, as it is written. */
interface Part {
  readonly name: { readonly value: string };
  readonly value: ValueNode;
}

/** The value of a slicing argument. */
interface Slice {
  readonly constant: number | null;
  readonly variable: VariableSlice | null;
  /** Whether the operation gives it, and not a default. */
  readonly isGiven: boolean;
}

/** The size of a list in an operation. */
export interface SizeUse {
  /** The field with the directive. */
  readonly coordinate: string;
  /** The slicing arguments, as the schema names them. */
  readonly names: readonly string[];
  readonly requireOne: boolean;
  /** The values of slicing arguments that don't depend on variables. */
  readonly constants: readonly number[];
  /** How many of the slicing arguments are given without a variable. */
  readonly given: number;
  readonly variables: readonly VariableSlice[];
  /** The size without any of them. */
  readonly fallback: number;
}

/** A list without slicing arguments. */
const UNSLICED = { names: [], requireOne: false, constants: [], given: 0, variables: [] } as const;

/** Reads the arguments of one operation. */
export class UseReader {
  readonly costs: SchemaCosts;
  readonly #listSize: number;
  readonly #definitions: ReadonlyMap<string, VariableDefinitionNode>;
  /** Keyed by field and directive. The types of an interface often have the same directive. */
  readonly #sizes = new Map<FieldNode, Map<ListSize, SizeUse>>();

  /** @param listSize the size of a list that no directive describes */
  constructor(costs: SchemaCosts, listSize: number, { variableDefinitions = [] }: OperationDefinitionNode) {
    this.costs = costs;
    this.#listSize = listSize;
    this.#definitions = new Map(variableDefinitions.map((one) => [one.variable.name.value, one]));
  }

  /** Returns the cost of calling a field: its weight, and the weights of its arguments and directives. */
  call(node: FieldNode, field: FieldCost): CallUse {
    const variables: VariableUse[] = [];
    let constant = field.weight + this.#arguments(node.arguments, field.arguments, variables);
    for (const { name, arguments: args } of node.directives ?? []) {
      const inputs = this.costs.directives.get(name.value);
      if (inputs !== undefined) constant += this.#arguments(args, inputs, variables);
    }
    return { constant, variables };
  }

  #arguments(args: readonly ArgumentNode[] | undefined, costs: InputCosts, variables: VariableUse[]): number {
    if (args === undefined || costs.size === 0) return 0;
    let sum = 0;
    for (const { name, value } of args) {
      const cost = costs.get(name.value);
      if (cost !== undefined) sum += this.#value(value, cost, variables);
    }
    return sum;
  }

  #value(value: ValueNode, cost: InputCost, variables: VariableUse[]): number {
    if (value.kind === Kind.NULL) return 0;
    if (value.kind !== Kind.VARIABLE) return cost.weight + this.#within(value, cost.within, variables);
    const variable = value.name.value;
    const otherwise = this.#definitions.get(variable)?.defaultValue;
    variables.push({
      variable,
      cost,
      otherwise: otherwise === undefined ? 0 : this.#value(otherwise, cost, variables),
    });
    return 0;
  }

  #within(value: ValueNode, costs: InputCosts | null, variables: VariableUse[]): number {
    if (costs === null) return 0;
    if (value.kind === Kind.LIST) {
      return value.values.reduce((sum, item) => sum + this.#value(item, { weight: 0, within: costs }, variables), 0);
    }
    if (value.kind !== Kind.OBJECT) return 0;
    let sum = 0;
    for (const field of value.fields) {
      const cost = costs.get(field.name.value);
      if (cost !== undefined) sum += this.#value(field.value, cost, variables);
    }
    return sum;
  }

  /** Returns the size of a list of a field without a directive. */
  unknown({ coordinate }: FieldCost): SizeUse {
    return { ...UNSLICED, coordinate, fallback: this.#listSize };
  }

  /** Returns the size that a field's directive describes. */
  size(node: FieldNode, field: FieldCost, size: ListSize): SizeUse {
    let ofNode = this.#sizes.get(node);
    if (ofNode === undefined) this.#sizes.set(node, (ofNode = new Map<ListSize, SizeUse>()));
    let use = ofNode.get(size);
    if (use === undefined) ofNode.set(size, (use = this.#size(node, field, size)));
    return use;
  }

  #size(node: FieldNode, { coordinate }: FieldCost, { slicing, assumed, requireOne }: ListSize): SizeUse {
    const constants: number[] = [];
    const variables: VariableSlice[] = [];
    let given = 0;
    for (const path of slicing) {
      const slice = this.#slice(node, path);
      if (slice.variable !== null) variables.push(slice.variable);
      if (slice.constant !== null) constants.push(slice.constant);
      if (slice.isGiven) given += 1;
    }
    const names = slicing.map(({ steps }) => steps.map(({ name }) => name).join('.'));
    return { coordinate, names, requireOne, constants, given, variables, fallback: assumed ?? this.#listSize };
  }

  #slice(node: FieldNode, path: SlicingPath): Slice {
    let parts: readonly Part[] = node.arguments ?? [];
    for (const [at, { name, defaultValue }] of path.steps.entries()) {
      const value = parts.find((part) => part.name.value === name)?.value;
      const implied = () => readCount(defaultValue, path, at + 1);
      if (value === undefined) return { constant: implied(), variable: null, isGiven: false };
      if (value.kind === Kind.VARIABLE) {
        const literal = this.#definitions.get(value.name.value)?.defaultValue;
        const variableDefault = literal && valueFromASTUntyped(literal);
        const variable = { variable: value.name.value, path, from: at + 1, variableDefault, otherwise: implied() };
        return { constant: null, variable, isGiven: false };
      }
      if (at === path.steps.length - 1) {
        const constant =
          value.kind === Kind.LIST ? value.values.length : readCount(valueFromASTUntyped(value), path, at + 1);
        return { constant, variable: null, isGiven: constant !== null };
      }
      if (value.kind !== Kind.OBJECT) break;
      parts = value.fields;
    }
    return { constant: null, variable: null, isGiven: false };
  }
}

/**
 * The costs of the values of variables, by variable, for one computation. A value is read once, however often the document uses
 * its variable: the product of both could block the event loop.
 */
export type ReadCosts = Map<string, number>;

/**
 * Returns the cost of a call with these variables. It is never negative, so that no field pays for another one.
 *
 * @param read the uses of the same computation
 */
export function callCost({ constant, variables: uses }: CallUse, variables: Variables, read: ReadCosts): number {
  let sum = constant;
  for (const { variable, cost, otherwise } of uses) {
    sum += Object.hasOwn(variables, variable) ? givenCost(variable, variables[variable], cost, read) : otherwise;
  }
  return Math.min(Math.max(sum, 0), MOST_COST);
}

function givenCost(variable: string, value: unknown, { weight, within }: InputCost, read: ReadCosts): number {
  if (value === null || value === undefined) return 0;
  if (within === null || typeof value !== 'object') return weight;
  // All uses of a variable have the same input type.
  let inner = read.get(variable);
  if (inner === undefined) read.set(variable, (inner = costWithin(value, within)));
  return weight + inner;
}

/** Reads a value without recursion, because a request can nest values deeper than the stack. */
function costWithin(value: object, within: InputCosts): number {
  let sum = 0;
  let left = MAX_VALUES;
  const waiting: (readonly [value: object, costs: InputCosts])[] = [[value, within]];
  for (;;) {
    const next = waiting.pop();
    if (next === undefined) return sum;
    const [object, costs] = next;
    if (Array.isArray(object)) {
      left -= object.length;
      for (const item of object as unknown[])
        if (typeof item === 'object' && item !== null) waiting.push([item, costs]);
    } else {
      // Not the fields of the type: an object with few of them would cost as much time as one with all.
      for (const name of Object.keys(object)) {
        left -= 1;
        const cost = costs.get(name);
        const inner = cost === undefined ? undefined : (object as Variables)[name];
        if (cost === undefined || inner === null || inner === undefined) continue;
        sum += cost.weight;
        if (cost.within !== null && typeof inner === 'object') waiting.push([inner, cost.within]);
      }
    }
    if (left < 0) return MOST_COST;
  }
}

/** Returns the size of a list with these variables. */
export function sizeOf({ constants, variables: slices, fallback }: SizeUse, variables: Variables): number {
  let largest = -1;
  for (const count of constants) if (count > largest) largest = count;
  for (const slice of slices) {
    const count = sliceOf(slice, variables);
    if (count !== null && count > largest) largest = count;
  }
  return largest < 0 ? fallback : largest;
}

function sliceOf(slice: VariableSlice, variables: Variables): number | null {
  const { variable, path, from, variableDefault, otherwise } = slice;
  if (Object.hasOwn(variables, variable)) return readCount(variables[variable], path, from);
  return variableDefault === undefined ? otherwise : readCount(variableDefault, path, from);
}

/** Returns whether the operation gives exactly one of the slicing arguments, or none and one of them has a default. */
export function isSized({ constants, given, variables: slices }: SizeUse, variables: Variables): boolean {
  let explicit = given;
  let implied = constants.length - given;
  for (const slice of slices) {
    if (sliceOf(slice, variables) === null) continue;
    const isGiven = Object.hasOwn(variables, slice.variable) || slice.variableDefault !== undefined;
    if (isGiven) explicit += 1;
    else implied += 1;
  }
  return explicit === 1 || (explicit === 0 && implied > 0);
}
