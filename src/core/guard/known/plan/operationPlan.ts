import {
  GraphQLID,
  GraphQLString,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  OperationTypeNode,
  typeFromAST,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type NamedTypeNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { isSized } from '../../answer/meter.js';
import { plainReadOf, type PlainRead } from '../../plainReads.js';

/**
 * The maximum number of fields of a plan, and of the selections that it is created from. Fragments within fragments can multiply both in a
 * short document.
 */
const [MAX_FIELDS, MAX_SELECTIONS] = [500, 2_000];

/** Estimates of the memory of a field's plan, of each list in its type, and of a selection, in bytes. */
const [BYTES_PER_FIELD, BYTES_PER_LIST, BYTES_PER_SELECTION] = [400, 112, 16];

/** What a query does, without the steps that are the same for each request: collecting its fields and finding their definitions. */
export interface OperationPlan {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly fields: readonly FieldPlan[];
  /** The memory that the plan retains. */
  readonly bytes: number;
}

export interface FieldPlan {
  /** The name in the response. */
  readonly key: string;
  readonly nodes: readonly FieldNode[];
  readonly parent: GraphQLObjectType;
  /** null if the field is `__typename`. */
  readonly definition: GraphQLField<unknown, unknown> | null;
  readonly value: ValuePlan;
  /** The resolver when the plan was made. */
  readonly resolve: GraphQLFieldResolver<unknown, unknown> | undefined;
  /** Whether {@link resolve} only reads a property. */
  readonly read: PlainRead | null;
}

/** A list has an `item`, a scalar or enum a `leaf`, an object `fields`. */
export interface ValuePlan {
  readonly isRequired: boolean;
  readonly item: ValuePlan | null;
  readonly leaf: GraphQLLeafType | null;
  /** Whether a string needs no serialization. */
  readonly isText: boolean;
  /** Whether the guard counts long values. */
  readonly isSized: boolean;
  readonly fields: readonly FieldPlan[];
}

const TYPENAME: ValuePlan = {
  isRequired: true,
  item: null,
  leaf: GraphQLString,
  isText: true,
  isSized: false,
  fields: [],
};

/**
 * Returns the plan of a valid operation; null for operations that graphql-js must execute: mutations, `@skip` and `@include`,
 * introspection, and values whose type is known only at run time.
 */
export function planOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): OperationPlan | null {
  const type = schema.getQueryType();
  if (operation.operation !== OperationTypeNode.QUERY || type == null) return null;
  const planner = new Planner(schema, document);
  const fields = planner.fieldsOf(type, [operation.selectionSet]);
  if (fields === null) return null;
  return { schema, operation, fragments: planner.fragments, fields, bytes: planner.bytes };
}

/** Its methods return null for what can't be planned. */
class Planner {
  readonly fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  readonly #schema: GraphQLSchema;
  #fields = 0;
  #lists = 0;
  #selections = 0;

  constructor(schema: GraphQLSchema, { definitions }: DocumentNode) {
    this.#schema = schema;
    for (const definition of definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments[definition.name.value] = definition;
  }

  get bytes(): number {
    return this.#fields * BYTES_PER_FIELD + this.#lists * BYTES_PER_LIST + this.#selections * BYTES_PER_SELECTION;
  }

  fieldsOf(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): readonly FieldPlan[] | null {
    const groups = new Map<string, FieldNode[]>();
    const visited = new Set<string>();
    for (const { selections } of sets) if (!this.#collect(type, selections, { groups, visited })) return null;
    const plans: FieldPlan[] = [];
    for (const [key, nodes] of groups) {
      // As a name of a property, it would set the prototype.
      const plan = key === '__proto__' ? null : this.#field(type, key, nodes);
      if (plan === null) return null;
      plans.push(plan);
    }
    return plans;
  }

  #collect(
    type: GraphQLObjectType,
    selections: readonly SelectionNode[],
    found: { readonly groups: Map<string, FieldNode[]>; readonly visited: Set<string> },
  ): boolean {
    for (const selection of selections) {
      this.#selections += 1;
      if (this.#selections > MAX_SELECTIONS) return false;
      if (selection.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include')) return false;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const nodes = found.groups.get(key);
        if (nodes === undefined) found.groups.set(key, [selection]);
        else nodes.push(selection);
        continue;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (found.visited.has(selection.name.value)) continue;
        found.visited.add(selection.name.value);
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? this.fragments[selection.name.value] : selection;
      if (fragment === undefined || !this.#concerns(fragment.typeCondition, type)) continue;
      if (!this.#collect(type, fragment.selectionSet.selections, found)) return false;
    }
    return true;
  }

  #concerns(condition: NamedTypeNode | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined) return true;
    const conditional = typeFromAST(this.#schema, condition);
    return conditional === type || (isAbstractType(conditional) && this.#schema.isSubType(conditional, type));
  }

  #field(parent: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): FieldPlan | null {
    const name = nodes[0]?.name.value ?? '';
    this.#fields += 1;
    if (this.#fields > MAX_FIELDS) return null;
    const isTypename = name === '__typename';
    const definition = isTypename ? null : parent.getFields()[name];
    if (definition === undefined) return null;
    const value = definition === null ? TYPENAME : this.#value(definition.type, nodes);
    if (value === null) return null;
    const resolve = definition?.resolve;
    return {
      key,
      nodes,
      parent,
      definition,
      value,
      resolve,
      // If the field has arguments, the property is only read if they are valid.
      read: resolve === undefined || definition?.args.length !== 0 ? null : plainReadOf(resolve),
    };
  }

  #value(type: GraphQLOutputType, nodes: readonly FieldNode[]): ValuePlan | null {
    const isRequired = isNonNullType(type);
    const nullable = isRequired ? type.ofType : type;
    const none = { isRequired, item: null, leaf: null, isText: false, isSized: false, fields: [] };
    if (isListType(nullable)) {
      this.#lists += 1;
      const item = this.#value(nullable.ofType, nodes);
      return item && { ...none, item };
    }
    if (isLeafType(nullable)) {
      const isText = nullable.serialize === GraphQLString.serialize || nullable.serialize === GraphQLID.serialize;
      return { ...none, leaf: nullable, isText, isSized: isSized(nullable) };
    }
    if (!isObjectType(nullable) || nullable.isTypeOf != null) return null;
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const fields = this.fieldsOf(nullable, sets);
    return fields && { ...none, fields };
  }
}
