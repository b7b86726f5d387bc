import {
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { conditionsOf, type Conditions } from './conditions.js';
import type { Rule, SchemaRules } from './rules.js';

/** What one operation of a document asks for, under one setting of its conditions. */
export interface CompiledOperation {
  /** Every rule that it meets, once. */
  readonly rules: readonly Rule[];
  /** Requests that it counts for: see {@link costOf}. At least 1. */
  readonly cost: number;
  /** Whether it reads the schema (`__schema` or `__type`, under whatever alias or fragment). */
  readonly introspects: boolean;
}

type Variables = Readonly<Record<string, unknown>>;

/** Settings of @skip and @include that are remembered for a document; beyond them each request is compiled anew. */
const MAX_REMEMBERED = 16;

/**
 * Compiles operations and remembers them by document, so that a repeated operation costs a look-up. Documents are those
 * of the server's own document cache; when it forgets one, so does this.
 */
export class OperationCompiler {
  readonly #schema: GraphQLSchema;
  readonly #rules: SchemaRules;
  readonly #remembered = new WeakMap<DocumentNode, Map<string, CompiledOperation>>();

  constructor(schema: GraphQLSchema, rules: SchemaRules) {
    this.#schema = schema;
    this.#rules = rules;
  }

  /** @param document a valid document @param operation the selected one of its operations (B23) */
  compile(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): CompiledOperation {
    let ofDocument = this.#remembered.get(document);
    if (ofDocument === undefined) this.#remembered.set(document, (ofDocument = new Map<string, CompiledOperation>()));
    const conditions = conditionsOf(document, operation, variables);
    const key = `${operation.name?.value ?? ''} ${conditions.key}`;
    let compiled = ofDocument.get(key);
    if (compiled === undefined) {
      compiled = new Walk(this.#schema, this.#rules, document, conditions).compile(operation);
      if (ofDocument.size < MAX_REMEMBERED) ofDocument.set(key, compiled);
    }
    return compiled;
  }
}

/** One walk over an operation. Every selection set is entered once for each type it stands in, however many ways lead there (B40). */
class Walk {
  readonly #schema: GraphQLSchema;
  readonly #schemaRules: SchemaRules;
  readonly #conditions: Conditions;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #met = new Set<Rule>();
  readonly #seen = new Map<SelectionSetNode, Set<string>>();
  #introspects = false;

  constructor(schema: GraphQLSchema, rules: SchemaRules, document: DocumentNode, conditions: Conditions) {
    this.#schema = schema;
    this.#schemaRules = rules;
    this.#conditions = conditions;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
    }
  }

  compile(operation: OperationDefinitionNode): CompiledOperation {
    const root = this.#schema.getRootType(operation.operation);
    if (root != null) this.#enter(operation.selectionSet, [root]);
    const counts = this.#rootCounts(operation.selectionSet, new Map());
    return { rules: [...this.#met], cost: costOf(operation.operation, counts), introspects: this.#introspects };
  }

  /** @param parents the object types that a value here may have */
  #enter(selections: SelectionSetNode, parents: readonly GraphQLObjectType[]): void {
    const key = parents.map((type) => type.name).join();
    const seen = this.#seen.get(selections) ?? new Set();
    if (seen.has(key)) return;
    this.#seen.set(selections, seen.add(key));
    for (const selection of this.#included(selections)) this.#select(selection, parents);
  }

  #select(selection: SelectionNode, parents: readonly GraphQLObjectType[]): void {
    switch (selection.kind) {
      case Kind.FIELD: {
        // B21: the field's name decides, never the response key.
        const name = selection.name.value;
        if (name === '__schema' || name === '__type') this.#introspects = true;
        for (const parent of parents) {
          // B02: through an interface, each type that it may stand for has its say.
          this.#meet(this.#schemaRules.fields.get(parent.name)?.get(name));
          const field = parent.getFields()[name];
          if (field !== undefined && selection.selectionSet !== undefined) {
            this.#enter(selection.selectionSet, this.#possible(getNamedType(field.type).name));
          }
        }
        return;
      }
      case Kind.INLINE_FRAGMENT:
        this.#narrow(selection.selectionSet, selection.typeCondition?.name.value, parents);
        return;
      case Kind.FRAGMENT_SPREAD: {
        const fragment = this.#fragments.get(selection.name.value);
        if (fragment !== undefined) this.#narrow(fragment.selectionSet, fragment.typeCondition.name.value, parents);
      }
    }
  }

  #narrow(selections: SelectionSetNode, condition: string | undefined, parents: readonly GraphQLObjectType[]): void {
    if (condition === undefined) {
      this.#enter(selections, parents);
      return;
    }
    const possible = this.#possible(condition);
    const narrowed = parents.filter((parent) => possible.includes(parent));
    // B22: what asks for a guarded type inside an open parent meets the type's rule, were it for __typename alone.
    const [only, another] = narrowed;
    if (only !== undefined && another === undefined && parents.length > 1)
      this.#meet(this.#schemaRules.types.get(only.name));
    if (narrowed.length > 0) this.#enter(selections, narrowed);
  }

  #meet(rule: Rule | undefined): void {
    if (rule !== undefined) this.#met.add(rule);
  }

  #possible(typeName: string): readonly GraphQLObjectType[] {
    const type = this.#schema.getType(typeName);
    if (isObjectType(type)) return [type];
    return isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [];
  }

  /** How often each root field is selected, a fragment's counts as often as it is spread. Counted, not walked, for each spread. */
  #rootCounts(
    selections: SelectionSetNode,
    known: Map<SelectionSetNode, ReadonlyMap<string, number>>,
  ): ReadonlyMap<string, number> {
    const before = known.get(selections);
    if (before !== undefined) return before;
    const counts = new Map<string, number>();
    known.set(selections, counts);
    const add = (name: string, count: number) => counts.set(name, (counts.get(name) ?? 0) + count);
    for (const selection of this.#included(selections)) {
      if (selection.kind === Kind.FIELD) add(selection.name.value, 1);
      else {
        const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value);
        if (inner !== undefined)
          for (const [name, count] of this.#rootCounts(inner.selectionSet, known)) add(name, count);
      }
    }
    return counts;
  }

  *#included(selections: SelectionSetNode): Generator<SelectionNode> {
    for (const selection of selections.selections) if (this.#conditions.includes(selection)) yield selection;
  }
}

/**
 * The cost of an operation in requests: the largest number of times that any one root field is selected, aliases,
 * fragments and repeats counted, `__typename` and introspection like any other (B37, B39). Of a mutation the number of
 * its root fields, for each of them acts.
 */
function costOf(operation: OperationTypeNode, counts: ReadonlyMap<string, number>): number {
  const all = [...counts.values()];
  const cost =
    operation === OperationTypeNode.MUTATION ? all.reduce((sum, count) => sum + count, 0) : Math.max(0, ...all);
  // A fan-out of fragments overflows a number long before it runs out of document.
  return Math.min(Math.max(1, cost), Number.MAX_SAFE_INTEGER);
}
