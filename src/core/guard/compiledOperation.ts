import {
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type DocumentNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Category } from '../limits/category.js';
import { categoryOf } from './operationCategory.js';
import { conditionsOf, type Conditions } from './conditions.js';
import { CostCounter } from './cost.js';
import { fragmentsOf, type Fragments } from './fragments.js';
import type { Rule, SchemaRules } from './rules.js';

/** The requirements of one operation of a document, for one combination of its conditions. */
export interface CompiledOperation {
  /** The rules that it must meet, without duplicates. */
  readonly rules: readonly Rule[];
  /** Their coordinates, for counting usage. A separate list, so that each request can share it. */
  readonly fields: readonly string[];
  /** The cost in requests, at least 1: see {@link CostCounter}. */
  readonly cost: number;
  /** The number of tokens that it creates: see {@link CREATES_TOKEN}. Usually 0. */
  readonly tokens: number;
  /** The category for tiers that limit categories. */
  readonly category: Category;
  /**
   * Whether it reads the schema with `__schema` or `__type`, under any alias and through any fragment or `query:
   * Query`.
   */
  readonly introspects: boolean;
}

type Variables = Readonly<Record<string, unknown>>;

/**
 * The number of combinations of @skip and @include that are cached per document. Others are compiled for each request.
 * It is low because the document cache must count the memory of each.
 */
const MAX_REMEMBERED = 4;

/**
 * Compiles operations and caches them by document, so that a repeated operation costs one look-up. The documents are
 * those of the server's document cache, and are released together with it.
 */
export class OperationCompiler {
  readonly #schema: GraphQLSchema;
  readonly #rules: SchemaRules;
  readonly #counter: CostCounter;
  readonly #remembered = new WeakMap<DocumentNode, Map<string, CompiledOperation>>();

  constructor(schema: GraphQLSchema, rules: SchemaRules) {
    this.#schema = schema;
    this.#rules = rules;
    this.#counter = new CostCounter(schema);
  }

  /**
   * Returns what an operation requires.
   *
   * @param document a valid document
   * @param operation the selected operation of the document (B23)
   */
  compile(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): CompiledOperation {
    let ofDocument = this.#remembered.get(document);
    if (ofDocument === undefined) this.#remembered.set(document, (ofDocument = new Map<string, CompiledOperation>()));
    const conditions = conditionsOf(document, operation, variables);
    const key = `${operation.name?.value ?? ''} ${conditions.key}`;
    let compiled = ofDocument.get(key);
    if (compiled === undefined) {
      compiled = this.#compile(document, operation, conditions);
      if (ofDocument.size < MAX_REMEMBERED) ofDocument.set(key, compiled);
    }
    return compiled;
  }

  #compile(document: DocumentNode, operation: OperationDefinitionNode, conditions: Conditions): CompiledOperation {
    const fragments = fragmentsOf(document);
    const walk = new Walk(this.#schema, this.#rules, fragments, conditions);
    walk.operation(operation);
    const { cost, tokens } = this.#counter.count(operation, fragments, conditions);
    const rules = [...walk.met];
    const fields = rules.map(({ coordinate }) => coordinate);
    return {
      rules,
      fields,
      cost,
      tokens,
      category: categoryOf(operation.operation, rules),
      introspects: walk.introspects,
    };
  }
}

/**
 * Walks an operation once. Visits every selection set once for each type, regardless of the number of paths that lead
 * to it (B40).
 */
class Walk {
  readonly met = new Set<Rule>();
  introspects = false;
  readonly #schema: GraphQLSchema;
  readonly #rules: SchemaRules;
  readonly #fragments: Fragments;
  readonly #conditions: Conditions;
  readonly #seen = new Map<SelectionSetNode, Set<GraphQLObjectType>>();

  constructor(schema: GraphQLSchema, rules: SchemaRules, fragments: Fragments, conditions: Conditions) {
    this.#schema = schema;
    this.#rules = rules;
    this.#fragments = fragments;
    this.#conditions = conditions;
  }

  operation({ operation, selectionSet }: OperationDefinitionNode): void {
    const root = this.#schema.getRootType(operation);
    if (root != null) this.#enter(selectionSet, root);
  }

  /**
   * Visits one type at a time. Conditions can narrow an abstract type to exponentially many sets of types.
   *
   * @param parent an object type that a value can have here
   */
  #enter(selections: SelectionSetNode, parent: GraphQLObjectType): void {
    const seen = this.#seen.get(selections) ?? new Set();
    if (seen.has(parent)) return;
    this.#seen.set(selections, seen.add(parent));
    for (const selection of selections.selections) {
      if (this.#conditions.includes(selection)) this.#select(selection, parent);
    }
  }

  #select(selection: SelectionNode, parent: GraphQLObjectType): void {
    switch (selection.kind) {
      case Kind.FIELD: {
        // B21: the name of the field decides, not the response key.
        const name = selection.name.value;
        // B25: introspection is one more requirement. The other fields are still checked.
        if (name === '__schema' || name === '__type') this.introspects = true;
        this.#meet(this.#rules.fields.get(parent.name)?.get(name));
        const field = parent.getFields()[name];
        if (field === undefined || selection.selectionSet === undefined) return;
        // B02: through an interface, the rules of all its types apply.
        for (const possible of this.#possible(getNamedType(field.type).name)) {
          this.#enter(selection.selectionSet, possible);
        }
        return;
      }
      case Kind.INLINE_FRAGMENT:
        this.#narrow(selection.selectionSet, selection.typeCondition?.name.value, parent);
        return;
      case Kind.FRAGMENT_SPREAD: {
        const fragment = this.#fragments.get(selection.name.value);
        if (fragment !== undefined) this.#narrow(fragment.selectionSet, fragment.typeCondition.name.value, parent);
      }
    }
  }

  #narrow(selections: SelectionSetNode, condition: string | undefined, parent: GraphQLObjectType): void {
    if (condition !== undefined) {
      const type = this.#schema.getType(condition);
      if (type !== parent && !(isAbstractType(type) && this.#schema.isSubType(type, parent))) return;
      // B22: a fragment on a guarded type must meet the rule of the type, even if it only selects __typename.
      this.#meet(this.#rules.types.get(condition));
    }
    this.#enter(selections, parent);
  }

  #meet(rule: Rule | undefined): void {
    if (rule !== undefined) this.met.add(rule);
  }

  #possible(typeName: string): readonly GraphQLObjectType[] {
    const type = this.#schema.getType(typeName);
    if (isObjectType(type)) return [type];
    return isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [];
  }
}
