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
import { categoryOf } from './category.js';
import { conditionsOf, type Conditions } from './conditions.js';
import { CostCounter } from './cost.js';
import { fragmentsOf, type Fragments } from './fragments.js';
import type { Rule, SchemaRules } from './rules.js';

/** What one operation of a document asks for, under one setting of its conditions. */
export interface CompiledOperation {
  /** Every rule that it meets, once. */
  readonly rules: readonly Rule[];
  /** Their coordinates: a list of its own, by which uses of this operation are counted without a look at it. */
  readonly fields: readonly string[];
  /** Requests that it counts for: see {@link CostCounter}. At least 1. */
  readonly cost: number;
  /** How many tokens it creates: see {@link CREATES_TOKEN}. 0 for most. */
  readonly tokens: number;
  /** What it counts as where a tier limits categories. */
  readonly category: Category;
  /** Whether it reads the schema (`__schema` or `__type`, under whatever alias, fragment or nested `query: Query`). */
  readonly introspects: boolean;
}

type Variables = Readonly<Record<string, unknown>>;

/**
 * Settings of @skip and @include that are remembered for a document. Any further one is compiled for each request. Few,
 * because each keeps a list of rules alive, which whoever caches the document has to count.
 */
const MAX_REMEMBERED = 4;

/**
 * Compiles operations and remembers them by document, so that a repeated operation costs a look-up. Documents are those
 * of the server's own document cache; when it forgets one, so does this.
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

  /** @param document a valid document @param operation the selected one of its operations (B23) */
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

/** One walk over an operation. Every selection set is entered once for each type it stands on, however many ways lead there (B40). */
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
   * One type at a time: the sets of types that conditions can narrow an abstract type to are exponentially many.
   *
   * @param parent an object type that a value here may have
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
        // B21: the field's name decides, never the response key.
        const name = selection.name.value;
        if (name === '__schema' || name === '__type') this.introspects = true;
        this.#meet(this.#rules.fields.get(parent.name)?.get(name));
        const field = parent.getFields()[name];
        if (field === undefined || selection.selectionSet === undefined) return;
        // B02: through an interface, each type that it may stand for has its say.
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
      // B22: what asks for a guarded type inside an open parent meets the type's rule, were it for __typename alone.
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
