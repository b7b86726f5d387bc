import { makeExecutableSchema } from '@graphql-tools/schema';
import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils';
import { defaultFieldResolver, GraphQLError } from 'graphql';

export const AUTH_DIRECTIVE = 'directive @auth(scope: String!) on FIELD_DEFINITION';

/** @param {string} scope */
export function authDirective(scope) {
  return `@auth(scope: "${scope}")`;
}

/** Creates the guard from the documentation of graphql-tools: a directive for which mapSchema wraps resolvers. */
export function guardedByDirective(typeDefs, resolvers) {
  const schema = makeExecutableSchema({ typeDefs: [AUTH_DIRECTIVE, typeDefs], resolvers });
  return mapSchema(schema, {
    [MapperKind.OBJECT_FIELD]: (field) => {
      const [auth] = getDirective(schema, field, 'auth') ?? [];
      if (auth === undefined) return field;
      const { resolve = defaultFieldResolver } = field;
      field.resolve = (source, args, context, info) => {
        if (!context.scopes.includes(auth.scope)) throw new GraphQLError('Forbidden');
        return resolve(source, args, context, info);
      };
      return field;
    },
  });
}
