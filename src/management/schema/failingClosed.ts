import { OperationTypeNode, type GraphQLFieldResolver, type GraphQLResolveInfo } from 'graphql';
import { unavailable } from '../../core/errors/refusal.js';
import { Duplicate, NotWritten, StoreUnavailable, Unacknowledged } from '../../core/store/storeErrors.js';

type Resolvers = Readonly<Record<string, object>>;

/**
 * Wraps the resolvers, so that an unavailable store results in UNAVAILABLE for every operation, and no message of a
 * driver reaches a caller.
 */
export function failingClosed<T extends Resolvers>(resolvers: T): T {
  const types = Object.entries(resolvers).map(([type, fields]) => {
    const guarded = Object.entries(fields as Record<string, unknown>).map(([field, resolve]): [string, unknown] => [
      field,
      closed(resolve),
    ]);
    return [type, Object.fromEntries(guarded)] as const;
  });
  return Object.fromEntries(types) as T;
}

/** A resolver, or the source and the resolver of a subscription. */
function closed(resolve: unknown): unknown {
  if (typeof resolve === 'function') return failClosed(resolve as GraphQLFieldResolver<unknown, unknown>);
  if (typeof resolve !== 'object' || resolve === null) return resolve;
  return Object.fromEntries(Object.entries(resolve).map(([name, part]) => [name, closed(part)]));
}

function failClosed(resolve: GraphQLFieldResolver<unknown, unknown>): GraphQLFieldResolver<unknown, unknown> {
  return (source, args, context, info) => {
    try {
      const result: unknown = resolve(source, args, context, info);
      return result instanceof Promise
        ? result.catch((error: unknown) => Promise.reject(translated(error, info)))
        : result;
    } catch (error) {
      throw translated(error, info);
    }
  };
}

function translated(error: unknown, { operation }: GraphQLResolveInfo): Error {
  if (error instanceof NotWritten) {
    return unavailable(`The change was not made: ${error.reason}. Try again later.`, 5, error);
  }
  // Reads aren't acknowledged either.
  if (error instanceof Unacknowledged && operation.operation === OperationTypeNode.MUTATION) {
    return unavailable(
      'The store did not confirm the change. Check whether it was made before you repeat it.',
      1,
      error,
    );
  }
  if (error instanceof StoreUnavailable || error instanceof Duplicate) {
    return unavailable('The store is not available at the moment. Try again shortly.', 1, error);
  }
  return error instanceof Error ? error : new Error(String(error));
}
