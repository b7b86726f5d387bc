import {
  getNamedType,
  isCompositeType,
  OperationTypeNode,
  type FieldNode,
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
  readonly pace: Pace;
  readonly #isMutation: boolean;
  #left: number;
  #refusal: Refusal | null = null;

  constructor(limits: AnswerLimits, operation: OperationTypeNode) {
    this.limits = limits;
    this.#isMutation = operation === OperationTypeNode.MUTATION;
    this.#left = limits.fields;
    // Events are small, and take turns with each other.
    this.pace = new Pace(operation === OperationTypeNode.SUBSCRIPTION);
  }

  get left(): number {
    return this.#left;
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
    this.#refusal = answerTooLarge(this.limits, 'fields', this.#isMutation);
    // With a path, graphql-js treats the error as located, and does not create an error with a stack for each field
    // that it reaches.
    Object.defineProperty(this.#refusal, 'path', { value: [], enumerable: true });
    this.pace.open();
    throw this.#refusal;
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
  /**
   * By the object with the variables, which graphql-js creates for each execution. Each event of a subscription
   * therefore has its own budget, and it does not matter what the context is or whether it is shared.
   */
  readonly #budgets = new WeakMap<object, AnswerBudget>();
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
   * @throws {@link Refusal} ANSWER_TOO_LARGE
   */
  of(info: GraphQLResolveInfo): AnswerBudget {
    let budget = this.#budgets.get(info.variableValues);
    if (budget === undefined) {
      const { operation } = info.operation;
      const limits = operation === OperationTypeNode.SUBSCRIPTION ? this.#ofEvents : this.#limits;
      budget = new AnswerBudget(limits, operation);
      this.#budgets.set(info.variableValues, budget);
      budget.spend(this.#fieldsOfOperation(info));
    } else {
      budget.check();
    }
    return budget;
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
    const { fieldNodes } = info;
    const known = this.#ofGroups.get(fieldNodes);
    if (known !== undefined) return known;
    const entry = this.#read(info);
    this.#ofGroups.set(fieldNodes, entry);
    return entry;
  }

  #read(info: GraphQLResolveInfo): Entry {
    const type = getNamedType(info.returnType);
    if (!isCompositeType(type)) return LEAF;
    const [node, ...others] = info.fieldNodes;
    const known = node && others.length === 0 ? this.#ofNodes.get(node) : undefined;
    if (known?.type === type) return known;
    const counter = new SelectionCounter(info, this.#limits.fields);
    const fields = 1 + counter.ofValue(info.fieldNodes, type);
    const { hasLists, isConditional } = counter;
    if (node !== undefined && others.length === 0 && !isConditional)
      this.#ofNodes.set(node, { type, fields, hasLists });
    return { fields, hasLists };
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
