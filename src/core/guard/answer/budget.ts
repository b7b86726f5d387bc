import {
  getNamedType,
  isCompositeType,
  OperationTypeNode,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLResolveInfo,
  type OperationDefinitionNode,
} from 'graphql';
import { Refusal } from '../../errors/refusal.js';
import { answerTooLarge, limitsOfEvent, type AnswerLimits } from './answerLimits.js';
import { Pace } from './pace.js';
import { SelectionCounter } from './selections.js';

/** The number of fields that one execution may still resolve. */
export class AnswerBudget {
  readonly limits: AnswerLimits;
  readonly #operation: OperationTypeNode;
  #left: number;
  #refusal: Refusal | null = null;
  #pace: Pace | null = null;

  constructor(limits: AnswerLimits, operation: OperationTypeNode) {
    this.limits = limits;
    this.#operation = operation;
    this.#left = limits.fields;
  }

  get left(): number {
    return this.#left;
  }

  /** Created when it is needed, because most operations have no list. */
  get pace(): Pace {
    // Events are small, and take turns with each other.
    return (this.#pace ??= new Pace(this.#operation === OperationTypeNode.SUBSCRIPTION));
  }

  /**
   * Checks that the budget is not used up.
   *
   * @throws {@link Refusal} ANSWER_TOO_LARGE
   */
  check(): void {
    if (this.#refusal !== null) throw this.#refusal;
  }

  /**
   * Takes fields from the budget.
   *
   * @throws {@link Refusal} ANSWER_TOO_LARGE
   */
  spend(fields: number): void {
    this.check();
    this.#left -= fields;
    if (this.#left >= 0) return;
    this.#refusal = answerTooLarge(this.limits, 'fields', this.#operation === OperationTypeNode.MUTATION);
    // With a path, graphql-js treats the error as located, and does not create an error with a stack for each field
    // that it reaches.
    Object.defineProperty(this.#refusal, 'path', { value: [], enumerable: true });
    this.pace.open();
    throw this.#refusal;
  }
}

/** Lets the constructor of a derived class add its private fields to an existing object. */
// oxlint-disable-next-line typescript/no-extraneous-class -- A function cannot be the base of a class.
class Existing {
  constructor(object: object) {
    return object;
  }
}

/**
 * Keeps the budget of an execution in private fields of its object with the variables. No other code sees them, and they are not copied
 * with the object. A WeakMap would do the same, but each of its entries costs the garbage collector as much as several fields.
 */
class Spending extends Existing {
  readonly #budget: AnswerBudget;
  readonly #owner: AnswerBudgets;

  constructor(execution: object, budget: AnswerBudget, owner: AnswerBudgets) {
    super(execution);
    this.#budget = budget;
    this.#owner = owner;
  }

  /** Returns the budget of an execution; undefined if it has none; null if it has one of another owner. */
  static of(execution: object, owner: AnswerBudgets): AnswerBudget | null | undefined {
    if (!(#budget in execution)) return undefined;
    return execution.#owner === owner ? execution.#budget : null;
  }
}

/** The fields that each entry of a list resolves. */
interface Entry {
  /** The number of fields, including the entry itself. */
  readonly fields: number;
  /** Whether some of them are lists. */
  readonly hasLists: boolean;
}

/** The properties of a field node that do not depend on the variables. */
interface Known extends Entry {
  readonly type: unknown;
}

const LEAF: Entry = { fields: 1, hasLists: false };

/** The budgets of the current executions, for all schemas that share `limits`. */
export class AnswerBudgets {
  readonly #limits: AnswerLimits;
  readonly #ofEvents: AnswerLimits;
  /** Budgets of executions that already have a budget with other limits, which happens only if a schema was guarded twice. */
  readonly #others = new WeakMap<object, AnswerBudget>();
  readonly #ofOperations = new WeakMap<OperationDefinitionNode, number>();
  readonly #ofNodes = new WeakMap<FieldNode, Known>();
  /** The executor uses the same array of nodes for all entries of a list. */
  readonly #ofGroups = new WeakMap<readonly FieldNode[], Entry>();

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
    this.#ofEvents = limitsOfEvent(limits);
  }

  /**
   * Returns the budget of an execution. The first call takes the fields outside of lists.
   *
   * It belongs to the object with the variables, which graphql-js creates for each execution. Each event of a subscription
   * therefore has its own budget, and the context may be any value, even a shared one.
   *
   * @throws {@link Refusal} ANSWER_TOO_LARGE
   */
  of(info: GraphQLResolveInfo): AnswerBudget {
    const budget = this.#known(info.variableValues);
    if (budget === undefined) return this.#begin(info);
    budget.check();
    return budget;
  }

  /**
   * Checks that the budget of an execution is not used up, without creating it: if nothing was taken from it, and the fields
   * outside of lists are known to fit, there is nothing to check.
   *
   * @throws {@link Refusal} ANSWER_TOO_LARGE
   */
  check(info: GraphQLResolveInfo): void {
    const budget = this.#known(info.variableValues);
    if (budget !== undefined) budget.check();
    else if (!this.#fits(info)) this.#begin(info);
  }

  #known(execution: object): AnswerBudget | undefined {
    const budget = Spending.of(execution, this);
    return budget === null ? this.#others.get(execution) : budget;
  }

  #begin(info: GraphQLResolveInfo): AnswerBudget {
    const { variableValues, operation } = info;
    const budget = new AnswerBudget(this.#limitsOf(operation), operation.operation);
    if (Spending.of(variableValues, this) === undefined) new Spending(variableValues, budget, this);
    else this.#others.set(variableValues, budget);
    budget.spend(this.#fieldsOfOperation(info));
    return budget;
  }

  #limitsOf({ operation }: OperationDefinitionNode): AnswerLimits {
    return operation === OperationTypeNode.SUBSCRIPTION ? this.#ofEvents : this.#limits;
  }

  #fits({ operation }: GraphQLResolveInfo): boolean {
    const fields = this.#ofOperations.get(operation);
    return fields !== undefined && fields <= this.#limitsOf(operation).fields;
  }

  /** Takes fields from the budget of an execution. Returns the refusal if it is used up. */
  refusalAfter(info: GraphQLResolveInfo, fields: number): Refusal | null {
    try {
      this.of(info).spend(fields);
      return null;
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  /** Returns what each entry of the list in this field resolves. */
  entryOf(info: GraphQLResolveInfo): Entry {
    const type = getNamedType(info.returnType);
    if (!isCompositeType(type)) return LEAF;
    const { fieldNodes } = info;
    // Usually by its only node, because the executor creates the arrays again for each execution.
    const node = fieldNodes.length === 1 ? fieldNodes[0] : undefined;
    const known = node && this.#ofNodes.get(node);
    if (known?.type === type) return known;
    return this.#ofGroups.get(fieldNodes) ?? this.#read(info, type, node);
  }

  #read(info: GraphQLResolveInfo, type: GraphQLCompositeType, node: FieldNode | undefined): Entry {
    const counter = new SelectionCounter(info, this.#limits.fields);
    const fields = 1 + counter.ofValue(info.fieldNodes, type);
    const { hasLists, isConditional } = counter;
    const entry = { type, fields, hasLists };
    if (node !== undefined && !isConditional) this.#ofNodes.set(node, entry);
    else this.#ofGroups.set(info.fieldNodes, entry);
    return entry;
  }

  #fieldsOfOperation(info: GraphQLResolveInfo): number {
    const known = this.#ofOperations.get(info.operation);
    if (known !== undefined) return known;
    const counter = new SelectionCounter(info, this.#limits.fields);
    const fields = counter.ofOperation(info.operation);
    if (!counter.isConditional) this.#ofOperations.set(info.operation, fields);
    return fields;
  }
}
