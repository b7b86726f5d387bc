import {
  isAbstractType,
  isLeafType,
  isObjectType,
  Kind,
  type FieldNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Conditions } from '../conditions.js';
import type { Fragments } from '../fragments.js';
import type { FieldCost, ListSize, SchemaCosts } from './schemaCosts.js';
import type { CallUse, SizeUse, UseReader } from './uses.js';

/** How costs are added up: as a number, as a number for each field, or as a formula of the variables. */
export interface Algebra<Value> {
  readonly zero: Value;
  /** The call of a resolver. */
  call(field: FieldCost, use: CallUse): Value;
  /** One value of a type. */
  instance(weight: number): Value;
  /** Assigns the instance in a value to the field that returns it. */
  at(coordinate: string, value: Value): Value;
  sum(values: readonly Value[]): Value;
  times(size: SizeUse, value: Value): Value;
  /** The largest of at least one value: one of them, or a new one. */
  max(values: readonly Value[]): Value;
}

/** The values of a field, regardless of the type that the field belongs to. */
interface Returned<Value> {
  /** The cost of one of them. */
  readonly value: Value;
  /** The type that costs most; null if unknown. */
  readonly type: GraphQLObjectType | null;
}

/** Returns the most expensive type; null for any type. @param sized the directive that describes lists in it */
type Choice = (node: FieldNode, type: GraphQLNamedType, sized: ListSize | null) => GraphQLObjectType | null;

/** A selected operation of a document. */
export interface CostedOperation {
  readonly operation: OperationDefinitionNode;
  readonly fragments: Fragments;
  readonly conditions: Conditions;
}

/** The cost of a selection. */
interface Selected<Value> {
  readonly fixed: Value;
  /** The walk for each entry of the lists whose size the parent field describes. */
  readonly each: Value;
}

type BySize<Value> = Map<ListSize | null, Selected<Value>>;

/**
 * Adds up the cost of an operation as the IBM GraphQL cost specification describes for a static analysis: each call of a
 * resolver costs the weight of the field (field cost), and each value that it can return the weight of its type (type cost).
 * A selection set is visited once for each type that a value can have there, and then multiplied, regardless of the number of
 * paths that lead to it (B40), and the values of a field once for all types that have the field: an interface can have hundreds.
 * If a value can have several types, the one that costs most counts.
 */
export class CostWalk<Value> {
  readonly #costs: SchemaCosts;
  readonly #algebra: Algebra<Value>;
  readonly #document: CostedOperation;
  readonly #uses: UseReader;
  /** By selection set, type, and the directive that describes lists in it. */
  readonly #known = new Map<SelectionSetNode, Map<GraphQLObjectType, BySize<Value>>>();
  readonly #returned = new Map<FieldNode, Map<GraphQLNamedType, Map<ListSize | null, Returned<Value>>>>();
  readonly #choice: Choice | null;

  /**
   * @param choice of another walk with the same variables. Default: each type is visited
   */
  constructor(uses: UseReader, document: CostedOperation, algebra: Algebra<Value>, choice: Choice | null = null) {
    this.#costs = uses.costs;
    this.#algebra = algebra;
    this.#document = document;
    this.#uses = uses;
    this.#choice = choice;
  }

  /** Returns the type that costs most of those that a field can return, after {@link total}. */
  readonly choice: Choice = (node, type, sized) => this.#returned.get(node)?.get(type)?.get(sized)?.type ?? null;

  total(): Value {
    const { operation } = this.#document;
    const root = this.#costs.schema.getRootType(operation.operation);
    if (root == null) return this.#algebra.zero;
    const { fixed } = this.#select(operation.selectionSet, root, null);
    const instance = this.#algebra.instance(this.#costs.types.get(root.name) ?? 0);
    return this.#algebra.sum([this.#algebra.at(root.name, instance), fixed]);
  }

  #select(set: SelectionSetNode, type: GraphQLObjectType, sized: ListSize | null): Selected<Value> {
    let ofSet = this.#known.get(set);
    if (ofSet === undefined) this.#known.set(set, (ofSet = new Map<GraphQLObjectType, BySize<Value>>()));
    let ofType = ofSet.get(type);
    if (ofType === undefined) ofSet.set(type, (ofType = new Map<ListSize | null, Selected<Value>>()));
    let selected = ofType.get(sized);
    if (selected === undefined) ofType.set(sized, (selected = this.#compute(set, type, sized)));
    return selected;
  }

  #compute({ selections }: SelectionSetNode, type: GraphQLObjectType, sized: ListSize | null): Selected<Value> {
    const fixed: Value[] = [];
    const each: Value[] = [];
    for (const selection of selections) {
      if (!this.#document.conditions.includes(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        // Introspection has no costs. Its size is limited for itself.
        const field = this.#costs.fields.get(type.name)?.get(selection.name.value);
        if (field === undefined) continue;
        const own = this.#field(selection, field, sized);
        fixed.push(own.fixed);
        each.push(own.each);
      } else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#document.fragments.get(selection.name.value);
        if (fragment === undefined || !this.#applies(fragment.typeCondition?.name.value, type)) continue;
        const inner = this.#select(fragment.selectionSet, type, sized);
        fixed.push(inner.fixed);
        each.push(inner.each);
      }
    }
    return { fixed: this.#algebra.sum(fixed), each: this.#algebra.sum(each) };
  }

  #applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const wanted = this.#costs.schema.getType(condition);
    return isAbstractType(wanted) && this.#costs.schema.isSubType(wanted, type);
  }

  #field(node: FieldNode, field: FieldCost, sized: ListSize | null): Selected<Value> {
    const algebra = this.#algebra;
    const call = algebra.call(field, this.#uses.call(node, field));
    let entry = this.#value(node, field);
    if (field.depth === 0) return { fixed: algebra.sum([call, entry]), each: algebra.zero };
    // A size describes the outer list. Lists in it have the default size.
    for (let depth = 1; depth < field.depth; depth += 1) entry = algebra.times(this.#uses.unknown(field), entry);
    if (sized?.fields?.has(node.name.value) === true) return { fixed: call, each: entry };
    const own = field.size?.fields === null ? this.#uses.size(node, field, field.size) : this.#uses.unknown(field);
    return { fixed: algebra.sum([call, algebra.times(own, entry)]), each: algebra.zero };
  }

  /** Returns the cost of one value of a field. */
  #value(node: FieldNode, field: FieldCost): Value {
    const algebra = this.#algebra;
    const { selectionSet } = node;
    const { type } = field;
    if (isLeafType(type) || selectionSet === undefined) return algebra.at(field.coordinate, this.#instance(type));
    const sized = field.size !== null && field.size.fields !== null ? field.size : null;
    let ofNode = this.#returned.get(node);
    if (ofNode === undefined) this.#returned.set(node, (ofNode = new Map<GraphQLNamedType, Map<null, never>>()));
    let ofType = ofNode.get(type);
    if (ofType === undefined) ofNode.set(type, (ofType = new Map<ListSize | null, Returned<Value>>()));
    let returned = ofType.get(sized);
    if (returned === undefined) ofType.set(sized, (returned = this.#return(node, selectionSet, field, sized)));
    return algebra.at(field.coordinate, returned.value);
  }

  #return(node: FieldNode, set: SelectionSetNode, field: FieldCost, sized: ListSize | null): Returned<Value> {
    const algebra = this.#algebra;
    const size = sized && this.#uses.size(node, field, sized);
    const chosen = this.#choice?.(node, field.type, sized) ?? null;
    const types = chosen === null ? this.#possible(field.type) : [chosen];
    if (types.length === 0) return { value: algebra.zero, type: null };
    const values = types.map((type) => {
      const { fixed, each } = this.#select(set, type, sized);
      return algebra.sum([this.#instance(type), fixed, ...(size === null ? [] : [algebra.times(size, each)])]);
    });
    const value = algebra.max(values);
    return { value, type: types[values.indexOf(value)] ?? null };
  }

  #instance({ name }: GraphQLNamedType): Value {
    return this.#algebra.instance(this.#costs.types.get(name) ?? 0);
  }

  #possible(type: GraphQLNamedType): readonly GraphQLObjectType[] {
    if (isObjectType(type)) return [type];
    return isAbstractType(type) ? this.#costs.schema.getPossibleTypes(type) : [];
  }
}
