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
import type { CostedOperation } from './costWalk.js';
import type { FieldCost, SchemaCosts } from './schemaCosts.js';
import { callCost, UseReader, type CallUse } from './uses.js';

/** The number of parts of a plan that are kept for one operation. */
const MAX_PARTS = 1_000;

/** A field of a response that can cost something. */
export interface PlannedField {
  readonly key: string;
  /** The calls of its resolver: one for each type of the object. The most expensive one counts. */
  readonly calls: readonly CallUse[];
  /** The cost of a call that is the same with any variables; null if it depends on them. */
  readonly call: number | null;
  /** The lists around each value. */
  readonly depth: number;
  /** The cost of a value of a scalar or an enum; null if the values are objects. */
  readonly leaf: number | null;
  /** The types that an object can have. */
  readonly types: readonly GraphQLObjectType[];
  readonly sets: readonly SelectionSetNode[];
}

/** An object of a response. */
export interface PlannedObject {
  /** The cost of the object itself: the largest of its types. */
  readonly weight: number;
  /** The response key of `__typename`, if each of its types has one. */
  readonly typeKey: string | null;
  readonly fields: readonly PlannedField[];
}

/** The response keys of an object, with the field of each type. */
type Groups = Map<string, { readonly costs: Map<FieldCost, FieldNode>; readonly nodes: Set<FieldNode> }>;

/** The parts of an operation's response, which are created when the response has them. */
export class ResponsePlan {
  readonly root: PlannedObject | null;
  readonly #costs: SchemaCosts;
  readonly #document: CostedOperation;
  readonly #uses: UseReader;
  readonly #objects = new Map<PlannedField, Map<string, PlannedObject>>();
  #parts = 0;

  constructor(costs: SchemaCosts, document: CostedOperation) {
    this.#costs = costs;
    this.#document = document;
    this.#uses = new UseReader(costs, 0, document.operation);
    this.root = this.#ofOperation(document.operation);
  }

  /**
   * Returns the plan of an object in a field.
   *
   * @param typename its type; undefined for any that is possible
   * @returns null if there are too many plans
   */
  object(field: PlannedField, typename: string | undefined): PlannedObject | null {
    let ofField = this.#objects.get(field);
    if (ofField === undefined) this.#objects.set(field, (ofField = new Map<string, PlannedObject>()));
    const key = typename ?? '';
    const known = ofField.get(key);
    if (known !== undefined) return known;
    if (this.#parts >= MAX_PARTS) return null;
    this.#parts += 1;
    const types = typename === undefined ? field.types : field.types.filter(({ name }) => name === typename);
    const object = this.#plan(types.length === 0 ? field.types : types, field.sets);
    ofField.set(key, object);
    return object;
  }

  #ofOperation({ operation, selectionSet }: OperationDefinitionNode): PlannedObject | null {
    const root = this.#costs.schema.getRootType(operation);
    return root == null ? null : this.#plan([root], [selectionSet]);
  }

  #plan(types: readonly GraphQLObjectType[], sets: readonly SelectionSetNode[]): PlannedObject {
    const groups: Groups = new Map();
    const typeKeys = types.map((type) => new Collector(this.#document, this.#costs, type, groups).collect(sets));
    const [typeKey = null] = typeKeys;
    return {
      weight: Math.max(0, ...types.map(({ name }) => this.#costs.types.get(name) ?? 0)),
      typeKey: types.length > 1 && typeKeys.every((key) => key === typeKey) ? typeKey : null,
      fields: [...groups].flatMap(([key, group]) => this.#field(key, group) ?? []),
    };
  }

  /** Returns null if the field costs nothing. */
  #field(
    key: string,
    { costs, nodes }: { readonly costs: Map<FieldCost, FieldNode>; readonly nodes: Set<FieldNode> },
  ): PlannedField | null {
    const fields = [...costs.keys()];
    const calls = dearest([...costs].map(([field, node]) => this.#uses.call(node, field)));
    const leaves = fields.filter(({ type }) => isLeafType(type));
    const leaf =
      leaves.length === 0 ? null : Math.max(...leaves.map(({ type }) => this.#costs.types.get(type.name) ?? 0));
    if (leaf === 0 && calls.every(({ constant, variables }) => constant === 0 && variables.length === 0)) return null;
    return {
      key,
      calls,
      call: fixedCost(calls),
      depth: Math.max(...fields.map(({ depth }) => depth)),
      leaf,
      // The types of an interface usually have fields of the same type.
      types: [...new Set([...new Set(fields.map(({ type }) => type))].flatMap((type) => this.#possible(type)))],
      sets: [...nodes].flatMap(({ selectionSet }) => selectionSet ?? []),
    };
  }

  #possible(type: GraphQLNamedType): readonly GraphQLObjectType[] {
    if (isObjectType(type)) return [type];
    return isAbstractType(type) ? this.#costs.schema.getPossibleTypes(type) : [];
  }
}

function fixedCost(calls: readonly CallUse[]): number | null {
  const [only, ...others] = calls;
  if (only === undefined || others.length > 0 || only.variables.length > 0) return null;
  return callCost(only, {}, new Map());
}

/** Removes the calls that are never the most expensive, because all remaining calls are computed for each response. */
function dearest(calls: readonly CallUse[]): readonly CallUse[] {
  const constants = calls.filter(({ variables }) => variables.length === 0);
  const [first, ...others] = constants;
  if (first === undefined || others.length === 0) return calls;
  const most = others.reduce((one, other) => (other.constant > one.constant ? other : one), first);
  return [most, ...calls.filter(({ variables }) => variables.length > 0)];
}

/** Collects the fields of an object as the executor does. */
class Collector {
  readonly #document: CostedOperation;
  readonly #costs: SchemaCosts;
  readonly #type: GraphQLObjectType;
  readonly #groups: Groups;
  readonly #visited = new Set<string>();
  #typeKey: string | null = null;

  constructor(document: CostedOperation, costs: SchemaCosts, type: GraphQLObjectType, groups: Groups) {
    this.#document = document;
    this.#costs = costs;
    this.#type = type;
    this.#groups = groups;
  }

  /** @returns the response key of `__typename`; null if there is none */
  collect(sets: readonly SelectionSetNode[]): string | null {
    for (const set of sets) this.#add(set);
    return this.#typeKey;
  }

  #add({ selections }: SelectionSetNode): void {
    for (const selection of selections) {
      if (!this.#document.conditions.includes(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        this.#field(selection);
        continue;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (this.#visited.has(selection.name.value)) continue;
        this.#visited.add(selection.name.value);
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#document.fragments.get(selection.name.value);
      if (fragment !== undefined && this.#applies(fragment.typeCondition?.name.value)) this.#add(fragment.selectionSet);
    }
  }

  #field(node: FieldNode): void {
    const key = (node.alias ?? node.name).value;
    if (node.name.value === '__typename') this.#typeKey ??= key;
    const field = this.#costs.fields.get(this.#type.name)?.get(node.name.value);
    if (field === undefined) return;
    let group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, (group = { costs: new Map(), nodes: new Set() }));
    if (!group.costs.has(field)) group.costs.set(field, node);
    group.nodes.add(node);
  }

  #applies(condition: string | undefined): boolean {
    if (condition === undefined || condition === this.#type.name) return true;
    const wanted = this.#costs.schema.getType(condition);
    return isAbstractType(wanted) && this.#costs.schema.isSubType(wanted, this.#type);
  }
}
