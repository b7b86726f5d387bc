import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isListType,
  isNonNullType,
  Kind,
  TypeNameMetaFieldDef,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLCompositeType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { collectFields, type Execution } from './collect.js';
import { fullReading, IntrospectionCounter } from './introspectionCounter.js';
import { BYTES_PER_FIELD, fieldsPerError } from './answerLimits.js';

/** A count that stopped if it exceeded `most`. */
interface Counted {
  readonly count: number;
  readonly most: number;
}

/**
 * Counts the fields that one value resolves, including those of objects within it. For a list it counts only the field,
 * because its entries are counted when they exist.
 * A count stops when it exceeds `most`. Each step adds to the count, so fragments that fan out don't take more time (B40). The types of an
 * interface don't add up, so the values of a field are counted once for all of them. Otherwise, nested ones would multiply.
 */
export class SelectionCounter {
  readonly #execution: Execution;
  readonly #most: number;
  #introspection: IntrospectionCounter | null = null;
  /** The fields of introspection that are not counted. */
  #free = 0;
  #isConditional = false;
  /** Whether the value is resolved once for each entry of a list. */
  #isEntry = false;
  #hasLists = false;
  /** Keyed by field nodes and abstract type. */
  readonly #known = new Map<string, Counted>();
  readonly #ids = new Map<FieldNode, number>();
  #introspections = 0;

  constructor(execution: Execution, most: number) {
    this.#execution = execution;
    this.#most = most;
  }

  /** Whether a count so far depended on @skip, @include or a variable in an argument, so that it is only valid for this execution. */
  get isConditional(): boolean {
    return this.#isConditional || this.#introspection?.isConditional === true;
  }

  /** Whether there were lists so far. Each of them may be refused later. */
  get hasLists(): boolean {
    return this.#hasLists;
  }

  /**
   * Returns the number of fields of the operation, without entries of lists. One complete introspection is free,
   * because tools need it and its size depends on the author of the schema.
   */
  ofOperation({ operation, selectionSet }: OperationDefinitionNode): number {
    const root = this.#execution.schema.getRootType(operation);
    this.#free = Infinity;
    return root == null ? 0 : this.#ofObject([selectionSet], root, this.#most);
  }

  /**
   * Returns the number of fields of one value.
   *
   * @param nodes of one response key
   */
  ofValue(nodes: readonly FieldNode[], type: GraphQLCompositeType): number {
    this.#isEntry = true;
    return this.#ofValue(nodes, type, this.#most);
  }

  #ofValue(nodes: readonly FieldNode[], type: GraphQLCompositeType, most: number): number {
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    if (!isAbstractType(type)) return this.#ofObject(sets, type, most);
    const key = `${type.name} ${this.#isEntry} ${nodes.map((node) => this.#idOf(node)).join()}`;
    const known = this.#known.get(key);
    if (known !== undefined && (known.count <= known.most || most <= known.most)) return known.count;
    const before = this.#introspections;
    const count = this.#ofTypes(sets, type, most);
    // A part of introspection is free once.
    if (this.#introspections === before) this.#known.set(key, { count, most });
    return count;
  }

  #idOf(node: FieldNode): number {
    let id = this.#ids.get(node);
    if (id === undefined) this.#ids.set(node, (id = this.#ids.size));
    return id;
  }

  #ofTypes(sets: readonly SelectionSetNode[], type: GraphQLAbstractType, most: number): number {
    let largest = 0;
    for (const possible of this.#execution.schema.getPossibleTypes(type)) {
      largest = Math.max(largest, this.#ofObject(sets, possible, most));
      // Without fragments, all types of an interface resolve the same fields.
      if (largest > most || !sets.some(hasFragments)) break;
    }
    return largest;
  }

  #ofObject(sets: readonly SelectionSetNode[], type: GraphQLObjectType, most: number): number {
    const { groups, isConditional } = collectFields(sets, type, this.#execution);
    this.#isConditional ||= isConditional;
    let count = 0;
    for (const [key, nodes] of groups) {
      count += 1 + Math.floor(key.length / BYTES_PER_FIELD) + this.#within(nodes, type, most - count);
      if (this.#isEntry && this.#givesNull(nodes[0])) count += fieldsPerError(nodes[0]);
      if (count > most) break;
    }
    return count;
  }

  #within(nodes: readonly FieldNode[], parent: GraphQLObjectType, most: number): number {
    const name = nodes[0]?.name.value ?? '';
    const field = parent.getFields()[name];
    if (field === undefined) return this.#ofIntrospection(name, nodes);
    if (isList(field.type)) {
      this.#hasLists = true;
      return 0;
    }
    const type = getNamedType(field.type);
    return isCompositeType(type) ? this.#ofValue(nodes, type, most) : 0;
  }

  /**
   * Returns whether an argument contains a variable that is null. A variable with a default can be null for a required
   * argument, and then the field fails for each entry, before its resolver is called.
   */
  #givesNull(node: FieldNode | undefined): boolean {
    const names = (node?.arguments ?? []).flatMap(({ value }) => variablesIn(value));
    this.#isConditional ||= names.length > 0;
    return names.some((name) => this.#execution.variableValues[name] === null);
  }

  #ofIntrospection(name: string, nodes: readonly FieldNode[]): number {
    if (name === TypeNameMetaFieldDef.name) return 0;
    this.#introspections += 1;
    const { schema } = this.#execution;
    if (this.#free === Infinity) this.#free = fullReading(schema);
    this.#introspection ??= new IntrospectionCounter(this.#execution, this.#most + fullReading(schema));
    const count = this.#introspection.ofField(name, nodes);
    const free = Math.min(count, this.#free);
    this.#free -= free;
    return count - free;
  }
}

/** Returns whether values of the type are lists. */
export function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

function variablesIn(value: ValueNode): string[] {
  if (value.kind === Kind.VARIABLE) return [value.name.value];
  if (value.kind === Kind.LIST) return value.values.flatMap(variablesIn);
  return value.kind === Kind.OBJECT ? value.fields.flatMap((field) => variablesIn(field.value)) : [];
}

function hasFragments({ selections }: SelectionSetNode): boolean {
  return selections.some(({ kind }) => kind !== Kind.FIELD);
}
