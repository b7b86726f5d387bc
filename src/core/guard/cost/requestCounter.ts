import {
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  Kind,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { CREATES_TOKEN } from '../../limits/keyCreation.js';
import type { Conditions } from '../conditions.js';
import type { Fragments } from '../fragments.js';

/** How often each root field is selected, by coordinate. */
type Counts = ReadonlyMap<string, number>;

/** The cost of an operation. */
interface OperationCost {
  /** In requests, at least 1. */
  readonly cost: number;
  /** The number of keys that it creates or rotates. */
  readonly tokens: number;
  /** The coordinates of its root fields, without duplicates. */
  readonly roots: readonly string[];
}

interface Document {
  readonly fragments: Fragments;
  readonly conditions: Conditions;
  /** Each selection set is counted once and then multiplied, instead of once for each spread (B40). */
  readonly known: Map<SelectionSetNode, Counts>;
}

/**
 * Computes the cost of an operation in requests. For a query it is the largest number of times that one root field is
 * selected, including aliases, fragments and repetitions, and including `__typename` and introspection (B37, B39). For
 * a mutation it is the number of its root fields, because each of them runs.
 * A field of a root type counts at any depth. `query: Query`, which Relay adds to the payloads of mutations, leads to
 * the same resolvers.
 */
export class RequestCounter {
  readonly #schema: GraphQLSchema;
  /** The names of root types, by their own name and by the names of their interfaces and unions. */
  readonly #roots = new Map<string, string>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
    for (const root of [schema.getSubscriptionType(), schema.getMutationType(), schema.getQueryType()]) {
      if (root == null) continue;
      for (const type of Object.values(schema.getTypeMap())) {
        if (type === root || (isAbstractType(type) && schema.isSubType(type, root))) {
          this.#roots.set(type.name, root.name);
        }
      }
    }
  }

  /** @returns 1 to Number.MAX_SAFE_INTEGER */
  cost(operation: OperationDefinitionNode, fragments: Fragments, conditions: Conditions): number {
    return this.count(operation, fragments, conditions).cost;
  }

  /**
   * Returns the cost of an operation and the number of tokens that it creates, each at most Number.MAX_SAFE_INTEGER,
   * and its root fields.
   */
  count(operation: OperationDefinitionNode, fragments: Fragments, conditions: Conditions): OperationCost {
    const root = this.#schema.getRootType(operation.operation) ?? undefined;
    const counts = this.#count(operation.selectionSet, root, { fragments, conditions, known: new Map() });
    const ofMutations = `${this.#schema.getMutationType()?.name ?? ''}.`;
    let mutations = 0;
    let tokens = 0;
    let most = 1;
    for (const [coordinate, count] of counts) {
      if (coordinate.startsWith(ofMutations)) {
        mutations += count;
        if (CREATES_TOKEN.includes(coordinate.slice(ofMutations.length))) tokens += count;
      } else most = Math.max(most, count);
    }
    // A short document with nested fragments can exceed the largest safe integer.
    const cost = Math.min(Math.max(mutations, most), Number.MAX_SAFE_INTEGER);
    return { cost, tokens: Math.min(tokens, Number.MAX_SAFE_INTEGER), roots: [...counts.keys()] };
  }

  /** @param parent the type that the selections belong to. In a valid document it is always the same. */
  #count(selections: SelectionSetNode, parent: GraphQLNamedType | undefined, document: Document): Counts {
    const before = document.known.get(selections);
    if (before !== undefined) return before;
    const counts = new Map<string, number>();
    document.known.set(selections, counts);
    const add = (coordinate: string, count: number) => counts.set(coordinate, (counts.get(coordinate) ?? 0) + count);
    const root = parent && this.#roots.get(parent.name);
    for (const selection of selections.selections) {
      if (!document.conditions.includes(selection)) continue;
      if (selection.kind === Kind.FIELD && root !== undefined) add(`${root}.${selection.name.value}`, 1);
      const inner = this.#inner(selection, parent, document.fragments);
      if (inner === null) continue;
      for (const [coordinate, count] of this.#count(inner.selections, inner.type, document)) add(coordinate, count);
    }
    return counts;
  }

  #inner(
    selection: SelectionNode,
    parent: GraphQLNamedType | undefined,
    fragments: Fragments,
  ): { selections: SelectionSetNode; type: GraphQLNamedType | undefined } | null {
    if (selection.kind === Kind.FIELD) {
      if (selection.selectionSet === undefined) return null;
      const fields = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields() : undefined;
      const field = fields?.[selection.name.value];
      return { selections: selection.selectionSet, type: field && getNamedType(field.type) };
    }
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
    if (fragment === undefined) return null;
    const condition = fragment.typeCondition;
    return {
      selections: fragment.selectionSet,
      type: condition === undefined ? parent : this.#schema.getType(condition.name.value),
    };
  }
}
