import {
  GraphQLError,
  isIntrospectionType,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';

type Resolver = GraphQLFieldResolver<unknown, unknown>;

/** The part of Nest's `HttpException` that is used. */
interface HttpException extends Error {
  getStatus(): number;
}

/** The codes of frequent statuses. */
const CODES: ReadonlyMap<number, string> = new Map([
  [401, 'UNAUTHENTICATED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [422, 'BAD_USER_INPUT'],
]);

/**
 * Makes resolvers throw Nest's exceptions of the statuses 400 to 499 as GraphQL errors, whose messages are for callers. Other
 * exceptions are hidden, and logged. Changes the schema in place.
 */
export function withPublicExceptions(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.resolve !== undefined) field.resolve = translating(field.resolve);
      if (field.subscribe !== undefined) field.subscribe = translating(field.subscribe);
    }
  }
  return schema;
}

function translating(inner: Resolver): Resolver {
  return (source, args, context, info) => {
    try {
      const value: unknown = inner(source, args, context, info);
      return value instanceof Promise ? value.catch(rethrow) : value;
    } catch (error) {
      return rethrow(error);
    }
  };
}

function rethrow(error: unknown): never {
  if (!isHttpException(error)) throw error;
  const status = error.getStatus();
  if (status < 400 || status > 499) throw error;
  throw new GraphQLError(error.message, {
    originalError: error,
    extensions: { code: CODES.get(status) ?? 'BAD_REQUEST' },
  });
}

function isHttpException(error: unknown): error is HttpException {
  return error instanceof Error && typeof (error as Partial<HttpException>).getStatus === 'function';
}
