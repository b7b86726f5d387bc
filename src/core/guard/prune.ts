import {
  getNamedType,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLUnionType,
  isAbstractType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  type GraphQLFieldConfigMap,
  type GraphQLNamedOutputType,
  type GraphQLNullableType,
  type GraphQLOutputType,
} from 'graphql';
import { isSeen, type Visible } from './visible.js';

/**
 * Returns the part of a schema that consists of the visible fields. Types that cannot be reached through them are
 * removed, including input types and enums. The result is for reading, not for execution: its resolvers are not
 * guarded.
 *
 * @returns null if no query is visible, because such a schema is invalid
 */
export function pruned(schema: GraphQLSchema, visible: Visible): GraphQLSchema | null {
  const { query, mutation, subscription, ...config } = schema.toConfig();
  if (query == null || !visible.has(query.name)) return null;
  const copy = new Copy(schema, visible);
  const root = (type: GraphQLObjectType | null | undefined) =>
    type != null && visible.has(type.name) ? copy.named(type) : null;
  return new GraphQLSchema({
    description: config.description,
    directives: config.directives,
    extensions: config.extensions,
    query: copy.named(query),
    mutation: root(mutation),
    subscription: root(subscription),
    // Otherwise types that occur only behind an interface would be missing.
    types: [...reached(schema, visible)].map((type) => copy.named(type)),
  });
}

/** The object types whose values can be reached. */
function reached(schema: GraphQLSchema, visible: Visible): Set<GraphQLObjectType> {
  const types = new Set<GraphQLObjectType>();
  const reach = (type: unknown): void => {
    if (isObjectType(type) && visible.has(type.name)) types.add(type);
    if (isAbstractType(type)) schema.getPossibleTypes(type).forEach(reach);
  };
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].forEach(reach);
  // The set grows during the iteration.
  for (const type of types) {
    for (const field of Object.values(type.getFields())) {
      if (visible.get(type.name)?.has(field.name) === true) reach(getNamedType(field.type));
    }
  }
  return types;
}

/** Copies types without their invisible fields, each once. Input types, enums and scalars are not copied. */
class Copy {
  readonly #schema: GraphQLSchema;
  readonly #visible: Visible;
  readonly #copies = new Map<string, GraphQLNamedOutputType>();

  constructor(schema: GraphQLSchema, visible: Visible) {
    this.#schema = schema;
    this.#visible = visible;
  }

  named<T extends GraphQLNamedOutputType>(type: T): T {
    let copy = this.#copies.get(type.name);
    if (copy === undefined) this.#copies.set(type.name, (copy = this.#make(type)));
    return copy as T;
  }

  #make(type: GraphQLNamedOutputType): GraphQLNamedOutputType {
    if (isUnionType(type)) {
      return new GraphQLUnionType({ ...type.toConfig(), types: () => this.#seen(type.getTypes()) });
    }
    if (isObjectType(type)) {
      const { fields, ...config } = type.toConfig();
      return new GraphQLObjectType({
        ...config,
        interfaces: () => this.#seen(type.getInterfaces()),
        fields: () => this.#fields(type.name, fields),
      });
    }
    if (isInterfaceType(type)) {
      const { fields, ...config } = type.toConfig();
      return new GraphQLInterfaceType({
        ...config,
        interfaces: () => this.#seen(type.getInterfaces()),
        fields: () => this.#fields(type.name, fields),
      });
    }
    return type;
  }

  #seen<T extends GraphQLObjectType | GraphQLInterfaceType>(types: readonly T[]): T[] {
    return types.filter((type) => isSeen(this.#schema, this.#visible, type)).map((type) => this.named(type));
  }

  #fields<Source, Context>(
    typeName: string,
    fields: GraphQLFieldConfigMap<Source, Context>,
  ): GraphQLFieldConfigMap<Source, Context> {
    const names = this.#visible.get(typeName);
    const seen = Object.entries(fields).filter(([name]) => names?.has(name) === true);
    return Object.fromEntries(seen.map(([name, field]) => [name, { ...field, type: this.#output(field.type) }]));
  }

  #output(type: GraphQLOutputType): GraphQLOutputType {
    if (isNonNullType(type))
      return new GraphQLNonNull(this.#output(type.ofType) as GraphQLNullableType & GraphQLOutputType);
    if (isListType(type)) return new GraphQLList(this.#output(type.ofType));
    return this.named(type);
  }
}
