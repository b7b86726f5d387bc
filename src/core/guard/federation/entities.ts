import { getNamedType, type GraphQLField, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
type Field = GraphQLField<unknown, unknown>;

/** The argument of {@link entitiesField}. */
export const REPRESENTATIONS = 'representations';

/** Returns the field of a subgraph that returns objects by their keys; undefined if the schema has none. */
export function entitiesField(schema: GraphQLSchema): Field | undefined {
  const field = schema.getQueryType()?.getFields()._entities;
  const isEntities = field?.args.some(
    ({ name, type }) => name === REPRESENTATIONS && getNamedType(type).name === '_Any',
  );
  return isEntities === true ? field : undefined;
}

/** Returns the field of a subgraph that returns its SDL; undefined if the schema has none. */
export function serviceField(schema: GraphQLSchema): Field | undefined {
  const field = schema.getQueryType()?.getFields()._service;
  return field !== undefined && getNamedType(field.type).name === '_Service' ? field : undefined;
}

/** Loads an entity by its key: the `__resolveReference` of a type. */
export type ReferenceResolver = (reference: unknown, context: unknown, info: unknown) => unknown;

/** The place where `@apollo/subgraph` keeps it. */
interface Subgraph {
  resolveReference?: ReferenceResolver | undefined;
}

/** Returns the holder of a type's `__resolveReference`; null if the type has none. */
export function referenceHolder({ extensions }: GraphQLObjectType): Subgraph | null {
  const { apollo } = extensions as { readonly apollo?: { readonly subgraph?: Subgraph } };
  return typeof apollo?.subgraph?.resolveReference === 'function' ? apollo.subgraph : null;
}
