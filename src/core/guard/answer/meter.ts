import {
  getNamedType,
  isListType,
  isNonNullType,
  isScalarType,
  isSpecifiedScalarType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
} from 'graphql';
import type { AnswerBudget, AnswerBudgets } from './budget.js';
import { countingErrors } from './countedErrors.js';
import { BYTES_PER_FIELD, fieldsPerError } from './answerLimits.js';
import { FIELDS_PER_TURN } from './pace.js';
import { isPromise } from './promise.js';
import { isList } from './selections.js';
import { jsonSize } from './size.js';

type Resolver = GraphQLFieldResolver<unknown, unknown>;

/** The number of fields from which an entry of a large list can have a separate turn. */
const SMALL_ENTRY = 8;

/** Scalars whose values have a bounded length. That of others depends on the caller or on the author of the schema. */
const FIXED = new Set(['Int', 'Float', 'Boolean']);

/**
 * Wraps a resolver so that the entries of lists and long values are counted before the executor completes them, and
 * errors. Root fields check the budget first, so that no mutation runs after it is used up. Other fields were counted
 * with their entry or their operation.
 */
export function metered(
  field: GraphQLField<unknown, unknown>,
  isRoot: boolean,
  inner: Resolver,
  budgets: AnswerBudgets,
): Resolver {
  const resolve = countingErrors(field.type, inner, budgets);
  if (isList(field.type)) return meteredList(field.type, resolve, budgets);
  const counted = isSized(field.type) ? meteredValue(resolve, budgets) : resolve;
  if (!isRoot) return counted;
  return (source, args, context, info) => {
    budgets.check(info);
    return counted(source, args, context, info);
  };
}

/**
 * A refusal within a list is a rejected promise and is never thrown. If one entry throws, graphql-js forgets the
 * promises of earlier entries, and a rejection of one of these would end the process. For the same reason, entries
 * become promises if a list within them may be refused later.
 */
function rejecting<T>(act: () => T): T | Promise<never> {
  try {
    return act();
  } catch (error) {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- What a resolver threw stays as it is.
    return Promise.reject(error);
  }
}

function meteredList(type: GraphQLOutputType, resolve: Resolver, budgets: AnswerBudgets): Resolver {
  const depth = depthOf(type);
  const sized = isSized(type);
  return (source, args, context, info) =>
    rejecting(() => {
      const budget = budgets.of(info);
      const spend = (list: unknown) => {
        const { fields, hasLists } = budgets.entryOf(info);
        return spendList(list, depth, {
          budget,
          sized,
          each: fields,
          hasLists,
          error: fieldsPerError(info.fieldNodes[0]),
        });
      };
      const list = resolve(source, args, context, info);
      return isPromise(list) ? list.then(spend) : spend(list);
    });
}

function meteredValue(resolve: Resolver, budgets: AnswerBudgets): Resolver {
  const spend = (value: unknown, info: GraphQLResolveInfo): unknown => {
    const budget = budgets.of(info);
    const fields = extraFields(value, budget.left);
    if (fields > 0) budget.spend(fields);
    return value;
  };
  return (source, args, context, info) => {
    const value = resolve(source, args, context, info);
    if (isShort(value)) return value;
    return isPromise(value)
      ? value.then((late) => (isShort(late) ? late : spend(late, info)))
      : rejecting(() => spend(value, info));
  };
}

interface Price {
  readonly budget: AnswerBudget;
  /** Whether the size of entries counts too. */
  readonly sized: boolean;
  /** The number of fields of each entry. */
  readonly each: number;
  /** Whether entries contain lists. */
  readonly hasLists: boolean;
  /** The number of fields that an entry with an error counts for. */
  readonly error: number;
}

/**
 * Counts the entries of a list.
 *
 * @param depth the depth of the list: 2 for `[[Int]]`
 * @returns the list
 * @throws {@link Refusal} ANSWER_TOO_LARGE
 */
function spendList(list: unknown, depth: number, price: Price): unknown {
  if (Array.isArray(list)) {
    price.budget.spend(list.length * (depth > 1 ? 1 : price.each));
    if (depth > 1) return asPromises(list.map((inner) => later(inner, (known) => spendList(known, depth - 1, price))));
    return inTurns(countedEntries(list, price), price);
  }
  if (typeof list !== 'object' || list === null) return list;
  if (!(Symbol.iterator in list)) return list;
  const entries = [...paid(list as Iterable<unknown>, depth, price)];
  return depth > 1 ? asPromises(entries) : inTurns(entries, price);
}

/**
 * Delays entries if the operation has completed enough fields in this turn of the event loop. A large list is divided
 * between turns, unless its entries are small: a promise for each of them would take longer than the entry.
 */
function inTurns(entries: readonly unknown[], price: Price): unknown {
  const { each, hasLists, budget } = price;
  const fields = entries.length * each;
  if (fields > FIELDS_PER_TURN && each >= SMALL_ENTRY) return entries.map((entry) => inTurn(entry, each, price));
  const turn = budget.pace.wait(fields);
  if (turn !== null) entries.forEach(handle);
  const ready = hasLists ? asPromises(entries) : entries;
  return turn === null ? ready : resumed(turn, ready, budget);
}

function inTurn(entry: unknown, fields: number, { budget }: Price): Promise<unknown> {
  handle(entry);
  const turn = budget.pace.wait(fields);
  const ready = turn === null ? Promise.resolve(entry) : resumed(turn, entry, budget);
  handle(ready);
  return ready;
}

/** Returns the value in its turn, unless the operation has been refused in the meantime. */
function resumed(turn: Promise<void>, value: unknown, budget: AnswerBudget): Promise<unknown> {
  return turn.then(() => {
    budget.check();
    return value;
  });
}

/** Prevents an unhandled rejection of a promise that the executor does not see yet, or will never see. */
function handle(entry: unknown): void {
  if (isPromise(entry)) entry.then(undefined, () => undefined);
}

function asPromises(entries: readonly unknown[]): Promise<unknown>[] {
  return entries.map((entry) => Promise.resolve(entry));
}

function countedEntries(list: readonly unknown[], price: Price): readonly unknown[] {
  let hasPromise = false;
  for (const value of list) {
    if (isPromise(value)) hasPromise = true;
    else spendValue(value, price);
  }
  if (!hasPromise) return list;
  return list.map((value) =>
    isPromise(value) ? laterValue(value, price) : price.sized ? Promise.resolve(value) : value,
  );
}

/** Counts the entries of an iterator one by one as they are read, because it may never end. */
function* paid(list: Iterable<unknown>, depth: number, price: Price): Generator {
  for (const value of list) yield payEntry(value, depth, price);
}

function payEntry(value: unknown, depth: number, price: Price): unknown {
  price.budget.spend(depth > 1 ? 1 : price.each);
  if (depth > 1) return later(value, (known) => spendList(known, depth - 1, price));
  return laterValue(value, price);
}

/** Counts the size of an entry, or its error. */
function spendValue(value: unknown, { budget, sized, error }: Price): unknown {
  if (value instanceof Error) budget.spend(error);
  else if (sized && !isShort(value)) budget.spend(extraFields(value, budget.left));
  return value;
}

function laterValue(value: unknown, price: Price): unknown {
  return later(
    value,
    (known) => spendValue(known, price),
    (error) => {
      price.budget.spend(price.error);
      throw error;
    },
  );
}

/** Calls `then` with a value, or with the value of a promise, and `rejected` with the error of a rejected promise. */
function later(value: unknown, then: (known: unknown) => unknown, rejected?: (error: unknown) => never): unknown {
  if (!isPromise(value)) return then(value);
  const known = Promise.resolve(value).then(then, rejected);
  // If an earlier entry is refused, the executor never handles this promise, and an unhandled rejection would end the
  // process.
  known.catch(() => undefined);
  return known;
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' ? value.length < BYTES_PER_FIELD : typeof value !== 'object' || value === null;
}

/**
 * Returns the number of fields that a value counts for in addition to its own.
 *
 * @param left the number after which measuring stops
 */
function extraFields(value: unknown, left: number): number {
  return Math.floor(jsonSize(value, (left + 1) * BYTES_PER_FIELD) / BYTES_PER_FIELD);
}

/** Returns whether the values of a field can be long, so that their size counts. */
export function isSized(type: GraphQLOutputType): boolean {
  const named = getNamedType(type);
  return isScalarType(named) && !(isSpecifiedScalarType(named) && FIXED.has(named.name));
}

function depthOf(type: GraphQLOutputType): number {
  if (isNonNullType(type)) return depthOf(type.ofType);
  return isListType(type) ? 1 + depthOf(type.ofType) : 0;
}
