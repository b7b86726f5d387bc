import { isNonNullType, type GraphQLFieldResolver, type GraphQLOutputType, type GraphQLResolveInfo } from 'graphql';
import type { Refusal } from '../../errors/refusal.js';
import type { AnswerBudgets } from './budget.js';
import { fieldsPerError } from './answerLimits.js';
import { isPromise } from './promise.js';

type Resolver = GraphQLFieldResolver<unknown, unknown>;

/**
 * Wraps a resolver so that its errors are counted, and values that graphql-js replaces with errors. Otherwise a field that fails for each
 * entry of a list takes ten times as long as a field with a value.
 */
export function countingErrors(type: GraphQLOutputType, resolve: Resolver, budgets: AnswerBudgets): Resolver {
  const isRequired = isNonNullType(type);
  const fails = (value: unknown) => value instanceof Error || (isRequired && value == null);
  const thrown = (error: unknown, info: GraphQLResolveInfo): Promise<never> => {
    throw countError(info, budgets) ?? error;
  };
  const settled = (value: unknown, info: GraphQLResolveInfo): unknown =>
    fails(value) ? (countError(info, budgets) ?? value) : value;
  return (source, args, context, info) => {
    try {
      const value = resolve(source, args, context, info);
      // Nearly all values, which are neither errors nor promises.
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
      if (!isPromise(value)) return settled(value, info);
      return value.then(
        (late) => settled(late, info),
        (error: unknown) => thrown(error, info),
      );
    } catch (error) {
      return thrown(error, info);
    }
  };
}

/** Counts an error of a field. Returns the refusal that replaces it if the budget is used up. */
export function countError(info: GraphQLResolveInfo, budgets: AnswerBudgets): Refusal | null {
  return budgets.refusalAfter(info, fieldsPerError(info.fieldNodes[0]));
}
