import {
  buildASTSchema,
  GraphQLScalarType,
  isAbstractType,
  isObjectType,
  isScalarType,
  Kind,
  parse,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import { directiveTypeDefs } from '../index.js';

/** Resolvers by type and field. A field of a subscription has `subscribe`; an abstract type has `__resolveType`. */
export type Resolvers = Readonly<Record<string, object>>;

/** Returns a schema with Latchkey's directives, without a guard. */
export function schemaOf(typeDefs: string, resolvers: Resolvers = {}): GraphQLSchema {
  const { definitions } = parse(typeDefs);
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [...directiveTypeDefs().definitions, ...definitions],
  };
  // Some cases contain faults that only the guard must find.
  return withResolvers(buildASTSchema(document, { assumeValidSDL: true }), resolvers);
}

/** Adds resolvers to a schema, in place. */
export function withResolvers(schema: GraphQLSchema, resolvers: Resolvers): GraphQLSchema {
  for (const [name, fields] of Object.entries(resolvers)) {
    const type = schema.getType(name);
    if (isScalarType(type) && fields instanceof GraphQLScalarType) {
      const { serialize, parseValue, parseLiteral } = fields;
      Object.assign(type, { serialize, parseValue, parseLiteral });
    } else if (isAbstractType(type)) {
      Object.assign(type, { resolveType: (fields as { __resolveType?: unknown }).__resolveType });
    } else if (isObjectType(type)) {
      for (const [field, resolver] of Object.entries(fields)) {
        const target = type.getFields()[field];
        if (target === undefined) throw new Error(`${name} has no field ${field}.`);
        Object.assign(target, typeof resolver === 'function' ? { resolve: resolver as unknown } : resolver);
      }
    }
  }
  return schema;
}

/** Returns the resolvers of a type that record their coordinate before they return their value. */
export function recording(
  ran: string[],
  type: string,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = Object.entries(values).map(([field, value]) => [
    field,
    (source: unknown, given: unknown) => {
      ran.push(`${type}.${field}`);
      return typeof value === 'function'
        ? (value as (given: unknown, source: unknown) => unknown)(given, source)
        : value;
    },
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}
