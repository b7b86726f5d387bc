import { defaultFieldResolver, isObjectType, type GraphQLSchema } from 'graphql';
import { GuardError } from '../../core/guard/rules.js';

/** The number of fields that the error names. */
const MAX_NAMED = 3;

/**
 * Checks that Latchkey's fields in a schema have resolvers. Without its resolver, a field such as `Query.viewer` is null for every
 * caller, without an error. Call it before the schema is guarded, because the guard gives each field a resolver.
 *
 * @param resolvers Latchkey's own
 * @throws GuardError
 */
export function assertResolved(schema: GraphQLSchema, resolvers: Readonly<Record<string, object>>): void {
  const missing = Object.entries(resolvers).flatMap(([name, own]) => {
    const type = schema.getType(name);
    if (!isObjectType(type)) return [];
    const fields = type.getFields();
    return Object.keys(own)
      .filter((field) => hasNone(fields[field]))
      .map((field) => `${name}.${field}`);
  });
  if (missing.length === 0) return;
  const more = missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : '';
  throw new GuardError(
    missing.map((coordinate) => `${coordinate}: no resolver`),
    `These fields have no resolver: ${missing.slice(0, MAX_NAMED).join(', ')}${more}. Pass Latchkey's resolvers and your own in a list: ` +
      'makeExecutableSchema({ typeDefs, resolvers: [latchkey.resolvers, yours] }). ' +
      'A spread, { ...latchkey.resolvers, ...yours }, keeps only one Query and one Mutation.',
  );
}

function hasNone(field: { readonly resolve?: unknown } | undefined): boolean {
  return field !== undefined && (field.resolve === undefined || field.resolve === defaultFieldResolver);
}
