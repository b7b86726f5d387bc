import {
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type DirectiveNode,
  type DocumentNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Category } from '../limits/category.js';
import { categoryOf } from './operationCategory.js';
import { ALWAYS, conditionsOf, type Conditions } from './conditions.js';
import { OperationCost } from './cost/operationCost.js';
import { RequestCounter } from './cost/requestCounter.js';
import { costsOf, type SchemaCosts } from './cost/schemaCosts.js';
import { serviceField } from './federation/entities.js';
import { isForwarded } from './forwardedSchemas.js';
import { fragmentsOf, type Fragments } from './fragments.js';
import { inputPlansOf, type InputPlans } from './inputs/inputPlans.js';
import { InputCollector, usedBy, type InputUse } from './inputs/inputUse.js';
import { GuardError, type Rule, type SchemaRules } from './rules.js';

/**
 * The parts of an operation that are counted as usage. A separate object, which is the same for the same operation: requests share
 * it, and counts that are not written yet keep nothing else of the operation in memory.
 */
export interface CountedOperation {
  /** The name of the operation, which the caller chooses; null if it has none. */
  readonly name: string | null;
  /** The coordinates of its root fields, without duplicates. */
  readonly roots: readonly string[];
  /** The coordinates of the rules that it must meet. */
  readonly fields: readonly string[];
}

/** The requirements of one operation of a document, for one combination of its conditions. */
export interface CompiledOperation {
  readonly counted: CountedOperation;
  /** The rules that it must meet, without duplicates. */
  readonly rules: readonly Rule[];
  /** The cost in requests, at least 1: see {@link RequestCounter}. */
  readonly cost: number;
  /** The cost by `@cost` and `@listSize`; null if the schema has neither, so that the cost in requests counts. */
  readonly weighed: OperationCost | null;
  /** The number of tokens that it creates: see {@link CREATES_TOKEN}. Usually 0. */
  readonly tokens: number;
  /** The category for tiers that limit categories. */
  readonly category: Category;
  /**
   * Whether it reads the schema with `__schema` or `__type`, under any alias and through any fragment or `query:
   * Query`.
   */
  readonly introspects: boolean;
  /** Whether it reads the SDL of a subgraph with `_service`. */
  readonly readsSdl: boolean;
  /** The rules of arguments that depend on the variables; null if there are none, as for most operations. */
  readonly inputs: InputUse | null;
}

type Variables = Readonly<Record<string, unknown>>;

/**
 * The number of combinations of @skip and @include that are cached per document, and of used arguments per combination.
 * Others are compiled for each request. It is low because the document cache must count the memory of each.
 */
const MAX_REMEMBERED = 4;

/** The compiled operations of a document. */
interface OfDocument {
  /** By name and conditions. */
  readonly byKey: Map<string, CompiledOperation>;
  /** The last operation, if it is the same for all variables, as is usual. */
  constant: { readonly operation: OperationDefinitionNode; readonly compiled: CompiledOperation } | null;
}

/**
 * Compiles operations and caches them by document, so that a repeated operation costs one look-up. The documents belong to the server's
 * document cache, and are released together with it.
 */
export class OperationCompiler {
  readonly rules: SchemaRules;
  readonly #schema: GraphQLSchema;
  readonly #inputs: InputPlans;
  readonly #counter: RequestCounter;
  readonly #costs: SchemaCosts | null;
  readonly #remembered = new WeakMap<DocumentNode, OfDocument>();
  /** By the operation without the rules of arguments that depend on the variables. */
  readonly #variants = new WeakMap<CompiledOperation, Map<string, CompiledOperation>>();

  /**
   * @param costs whether operations have a cost by `@cost` and `@listSize`. Default: if the schema has these directives
   * @throws GuardError if one of them can't be used
   */
  constructor(schema: GraphQLSchema, rules: SchemaRules, costs = true) {
    this.#schema = schema;
    this.rules = rules;
    this.#costs = costs ? declaredCosts(schema) : null;
    this.#inputs = inputPlansOf(schema, rules);
    this.#counter = new RequestCounter(schema);
  }

  /**
   * Returns what an operation requires.
   *
   * @param document a valid document
   * @param operation the selected operation of the document (B23)
   */
  compile(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): CompiledOperation {
    let ofDocument = this.#remembered.get(document);
    if (ofDocument?.constant?.operation === operation) return ofDocument.constant.compiled;
    if (ofDocument === undefined) {
      this.#remembered.set(document, (ofDocument = { byKey: new Map<string, CompiledOperation>(), constant: null }));
    }
    const conditions = conditionsOf(document, operation, variables);
    const key = `${operation.name?.value ?? ''} ${conditions.key}`;
    let compiled = ofDocument.byKey.get(key);
    if (compiled === undefined) {
      compiled = this.#compile(document, operation, conditions);
      if (ofDocument.byKey.size < MAX_REMEMBERED) ofDocument.byKey.set(key, compiled);
    }
    if (compiled.inputs !== null) return this.#withInputs(compiled, compiled.inputs, operation, variables);
    if (conditions === ALWAYS) ofDocument.constant = { operation, compiled };
    return compiled;
  }

  /** Adds the rules of the arguments and input fields that the variables use. */
  #withInputs(
    compiled: CompiledOperation,
    inputs: InputUse,
    { operation }: OperationDefinitionNode,
    variables: Variables,
  ): CompiledOperation {
    const used = usedBy(inputs, variables);
    const added = inputs.possible.filter((rule) => used.has(rule));
    if (added.length === 0) return compiled;
    let variants = this.#variants.get(compiled);
    if (variants === undefined) this.#variants.set(compiled, (variants = new Map<string, CompiledOperation>()));
    const key = inputs.possible.map((rule) => Number(used.has(rule))).join('');
    let variant = variants.get(key);
    if (variant === undefined) {
      const rules = [...compiled.rules, ...added];
      const counted = { ...compiled.counted, fields: rules.map(({ coordinate }) => coordinate) };
      variant = { ...compiled, ...summaryOf(operation, rules), counted };
      if (variants.size < MAX_REMEMBERED) variants.set(key, variant);
    }
    return variant;
  }

  #compile(document: DocumentNode, operation: OperationDefinitionNode, conditions: Conditions): CompiledOperation {
    const fragments = fragmentsOf(document);
    const walk = new Walk({ schema: this.#schema, rules: this.rules, inputs: this.#inputs }, fragments, conditions);
    walk.operation(operation);
    const inputs = walk.inputs.finish(operation);
    const { cost, tokens, roots } = this.#counter.count(operation, fragments, conditions);
    const rules = [...new Set([...walk.met, ...walk.inputs.always])];
    return {
      ...summaryOf(operation.operation, rules),
      counted: { name: operation.name?.value ?? null, roots, fields: rules.map(({ coordinate }) => coordinate) },
      cost,
      weighed: this.#costs && new OperationCost(this.#costs, { operation, fragments, conditions }),
      tokens,
      introspects: walk.introspects,
      readsSdl: walk.readsSdl,
      inputs,
    };
  }
}

function declaredCosts(schema: GraphQLSchema): SchemaCosts | null {
  const costs = costsOf(schema);
  if (costs.faults.length > 0) {
    throw new GuardError(
      costs.faults,
      `The schema has cost directives that can't be used. Correct them, or set cost to off:\n${costs.faults.map((fault) => `- ${fault}`).join('\n')}`,
    );
  }
  return costs.isDeclared ? costs : null;
}

function summaryOf(
  operation: OperationTypeNode,
  rules: readonly Rule[],
): Pick<CompiledOperation, 'rules' | 'category'> {
  return { rules, category: categoryOf(operation, rules) };
}

/** A schema with everything that it requires. */
interface Guarded {
  readonly schema: GraphQLSchema;
  readonly rules: SchemaRules;
  readonly inputs: InputPlans;
}

/**
 * Walks an operation once. Visits every selection set once for each type, regardless of the number of paths that lead
 * to it (B40).
 */
class Walk {
  readonly met = new Set<Rule>();
  readonly inputs = new InputCollector();
  introspects = false;
  readsSdl = false;
  readonly #schema: GraphQLSchema;
  readonly #rules: SchemaRules;
  readonly #plans: InputPlans;
  readonly #fragments: Fragments;
  readonly #conditions: Conditions;
  readonly #seen = new Map<SelectionSetNode, Set<GraphQLObjectType>>();
  /** The types of a field's values that were visited. */
  readonly #returned = new Map<SelectionSetNode, Set<string>>();
  readonly #roots: ReadonlySet<unknown>;

  constructor({ schema, rules, inputs }: Guarded, fragments: Fragments, conditions: Conditions) {
    this.#schema = schema;
    this.#rules = rules;
    this.#plans = inputs;
    this.#fragments = fragments;
    this.#conditions = conditions;
    this.#roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  }

  operation({ operation, selectionSet, directives, variableDefinitions = [] }: OperationDefinitionNode): void {
    const root = this.#schema.getRootType(operation);
    this.#annotate(directives);
    for (const definition of variableDefinitions) this.#annotate(definition.directives);
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
    this.#annotate(selection.directives);
    switch (selection.kind) {
      case Kind.FIELD: {
        // B21: the name of the field decides, not the response key.
        const name = selection.name.value;
        // B25: introspection is one more requirement. The other fields are still checked.
        if (name === '__schema' || name === '__type') this.introspects = true;
        this.#meet(this.#rules.fields.get(parent.name)?.get(name));
        if (name === '__typename') this.#meet(this.#typeOfForwarded(parent));
        this.inputs.add(selection.arguments, this.#plans.fields.get(parent.name)?.get(name));
        const field = parent.getFields()[name];
        if (name === '_service' && field === serviceField(this.#schema)) this.readsSdl = true;
        if (field === undefined || selection.selectionSet === undefined) return;
        this.#return(selection.selectionSet, getNamedType(field.type).name);
        return;
      }
      case Kind.INLINE_FRAGMENT:
        this.#narrow(selection.selectionSet, selection.typeCondition?.name.value, parent);
        return;
      case Kind.FRAGMENT_SPREAD: {
        const fragment = this.#fragments.get(selection.name.value);
        if (fragment === undefined) return;
        this.#annotate(fragment.directives);
        this.#narrow(fragment.selectionSet, fragment.typeCondition.name.value, parent);
      }
    }
  }

  /** Visits the values of a field once for all types that have the field: an interface can have hundreds. */
  #return(selections: SelectionSetNode, typeName: string): void {
    const returned = this.#returned.get(selections) ?? new Set();
    if (returned.has(typeName)) return;
    this.#returned.set(selections, returned.add(typeName));
    // B02: through an interface, the rules of all its types apply.
    for (const possible of this.#possible(typeName)) this.#enter(selections, possible);
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

  /** A directive of the schema can take an input type with guarded fields. */
  #annotate(directives: readonly DirectiveNode[] | undefined): void {
    if (this.#plans.directives.size === 0) return;
    for (const { name, arguments: args } of directives ?? []) {
      this.inputs.add(args, this.#plans.directives.get(name.value));
    }
  }

  /** B20: in another server, nothing refuses a value of a guarded type that is only asked for the name of its type. */
  #typeOfForwarded(parent: GraphQLObjectType): Rule | undefined {
    return isForwarded(this.#schema) && !this.#roots.has(parent) ? this.#rules.types.get(parent.name) : undefined;
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
