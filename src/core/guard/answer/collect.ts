import {
  isAbstractType,
  Kind,
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** The parts of an execution that decide which fields of a selection are resolved. */
export interface Execution {
  readonly schema: GraphQLSchema;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly variableValues: Readonly<Record<string, unknown>>;
}

interface Collected {
  /** The field nodes by response key. */
  readonly groups: ReadonlyMap<string, readonly FieldNode[]>;
  /**
   * Whether @skip or @include affected the result, so that another execution of the document may collect other fields.
   */
  readonly isConditional: boolean;
}

/**
 * Collects the fields that an object of `type` resolves, as the executor does (CollectFields in the GraphQL
 * specification).
 */
export function collectFields(
  sets: readonly SelectionSetNode[],
  type: GraphQLObjectType,
  execution: Execution,
): Collected {
  const collection = new Collection(type, execution);
  for (const set of sets) collection.add(set);
  return collection;
}

class Collection implements Collected {
  readonly groups = new Map<string, FieldNode[]>();
  isConditional = false;
  readonly #visited = new Set<string>();
  readonly #type: GraphQLObjectType;
  readonly #execution: Execution;

  constructor(type: GraphQLObjectType, execution: Execution) {
    this.#type = type;
    this.#execution = execution;
  }

  add({ selections }: SelectionSetNode): void {
    for (const selection of selections) {
      if (!this.#isIncluded(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        this.#addField(selection);
        continue;
      }
      const fragment = this.#fragment(selection);
      if (fragment !== null && this.#applies(fragment.typeCondition?.name.value)) this.add(fragment.selectionSet);
    }
  }

  #addField(node: FieldNode): void {
    const key = (node.alias ?? node.name).value;
    const group = this.groups.get(key);
    if (group === undefined) this.groups.set(key, [node]);
    else group.push(node);
  }

  #fragment(selection: Exclude<SelectionNode, FieldNode>) {
    if (selection.kind === Kind.INLINE_FRAGMENT) return selection;
    const name = selection.name.value;
    if (this.#visited.has(name)) return null;
    this.#visited.add(name);
    return this.#execution.fragments[name] ?? null;
  }

  #applies(condition: string | undefined): boolean {
    if (condition === undefined || condition === this.#type.name) return true;
    const { schema } = this.#execution;
    const wanted = schema.getType(condition);
    return isAbstractType(wanted) && schema.isSubType(wanted, this.#type);
  }

  #isIncluded({ directives = [] }: SelectionNode): boolean {
    for (const directive of directives) {
      const isSkip = directive.name.value === 'skip';
      if (!isSkip && directive.name.value !== 'include') continue;
      this.isConditional = true;
      if (this.#condition(directive) === isSkip) return false;
    }
    return true;
  }

  /** Returns null if the value is not a boolean. The executor rejects that before it resolves anything. */
  #condition(directive: DirectiveNode): boolean | null {
    const value = directive.arguments?.find(({ name }) => name.value === 'if')?.value;
    if (value?.kind === Kind.BOOLEAN) return value.value;
    const given = value?.kind === Kind.VARIABLE ? this.#execution.variableValues[value.name.value] : null;
    return typeof given === 'boolean' ? given : null;
  }
}
