import {
  getNamedType,
  GraphQLDirective,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLUnionType,
  isAbstractType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isSpecifiedDirective,
  isUnionType,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  type GraphQLNamedType,
  type GraphQLNullableType,
  type GraphQLType,
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
  if (query == null || !visible.fields.has(query.name)) return null;
  const copy = new Copy(schema, visible);
  const root = (type: GraphQLObjectType | null | undefined) =>
    type != null && visible.fields.has(type.name) ? copy.named(type) : null;
  return new GraphQLSchema({
    description: config.description,
    directives: copy.directives(config.directives),
    extensions: config.extensions,
    query: copy.named(query),
    mutation: root(mutation),
    subscription: root(subscription),
    // Otherwise types that occur only behind an interface would be missing.
    types: [...reached(schema, visible)].map((type) => copy.named(type)),
  });
}

/** The object types whose values can be reached. */
function reached(schema: GraphQLSchema, { fields: visible }: Visible): Set<GraphQLObjectType> {
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

/**
 * Copies types without their invisible fields and arguments, each once. Enums and scalars are not copied, and input types
 * only if something in an input is hidden.
 */
class Copy {
  readonly #schema: GraphQLSchema;
  readonly #visible: Visible;
  readonly #copies = new Map<string, GraphQLNamedType>();

  constructor(schema: GraphQLSchema, visible: Visible) {
    this.#schema = schema;
    this.#visible = visible;
  }

  directives(directives: readonly GraphQLDirective[]): readonly GraphQLDirective[] {
    const { inputs } = this.#visible;
    if (inputs.isEmpty) return directives;
    return directives
      .filter(({ args }) => !args.some((arg) => isRequiredArgument(arg) && inputs.hidesOfDirective(arg)))
      .map((directive) => {
        const hidden = new Set(directive.args.filter((arg) => inputs.hidesOfDirective(arg)).map(({ name }) => name));
        const { args, ...config } = directive.toConfig();
        return isSpecifiedDirective(directive)
          ? directive
          : new GraphQLDirective({ ...config, args: this.#arguments(args, hidden) });
      });
  }

  named<T extends GraphQLNamedType>(type: T): T {
    let copy = this.#copies.get(type.name);
    if (copy === undefined) this.#copies.set(type.name, (copy = this.#make(type)));
    return copy as T;
  }

  #make(type: GraphQLNamedType): GraphQLNamedType {
    if (isInputObjectType(type)) return this.#makeInput(type);
    if (isUnionType(type)) {
      return new GraphQLUnionType({ ...type.toConfig(), types: () => this.#seen(type.getTypes()) });
    }
    if (isObjectType(type)) {
      const { fields, ...config } = type.toConfig();
      return new GraphQLObjectType({
        ...config,
        interfaces: () => this.#seen(type.getInterfaces()),
        fields: () => this.#fields(type, fields),
      });
    }
    if (isInterfaceType(type)) {
      const { fields, ...config } = type.toConfig();
      return new GraphQLInterfaceType({
        ...config,
        interfaces: () => this.#seen(type.getInterfaces()),
        fields: () => this.#fields(type, fields),
      });
    }
    return type;
  }

  #makeInput(type: GraphQLInputObjectType): GraphQLInputObjectType {
    const { inputs } = this.#visible;
    if (inputs.isEmpty) return type;
    const { fields, ...config } = type.toConfig();
    return new GraphQLInputObjectType({
      ...config,
      fields: () =>
        mapped(fields, (field, name) =>
          inputs.hidesInput(type, name) ? null : { ...field, type: this.#wrapped(field.type) },
        ),
    });
  }

  #seen<T extends GraphQLObjectType | GraphQLInterfaceType>(types: readonly T[]): T[] {
    const { fields } = this.#visible;
    return types.filter((type) => isSeen(this.#schema, fields, type)).map((type) => this.named(type));
  }

  #fields<Source, Context>(
    type: GraphQLObjectType | GraphQLInterfaceType,
    fields: GraphQLFieldConfigMap<Source, Context>,
  ): GraphQLFieldConfigMap<Source, Context> {
    const { fields: visible, inputs } = this.#visible;
    const names = visible.get(type.name);
    return mapped(fields, (field, name) => {
      if (names?.has(name) !== true) return null;
      const { args = {} } = field;
      return {
        ...field,
        type: this.#wrapped(field.type),
        args: inputs.isEmpty ? args : this.#arguments(args, inputs.ofField(type, name)),
      };
    });
  }

  #arguments(args: GraphQLFieldConfigArgumentMap, hidden: ReadonlySet<string>): GraphQLFieldConfigArgumentMap {
    return mapped(args, (argument, name) =>
      hidden.has(name) ? null : { ...argument, type: this.#wrapped(argument.type) },
    );
  }

  /** Copies the named type within lists and non-null types. */
  #wrapped<T extends GraphQLType>(type: T): T {
    if (isNonNullType(type)) return new GraphQLNonNull(this.#wrapped<GraphQLNullableType>(type.ofType)) as unknown as T;
    if (isListType(type)) return new GraphQLList(this.#wrapped<GraphQLType>(type.ofType)) as unknown as T;
    return this.named(type) as unknown as T;
  }
}

/** Maps the values of an object, without those that become null. */
function mapped<Value>(
  object: Readonly<Record<string, Value>>,
  change: (value: Value, name: string) => Value | null,
): Record<string, Value> {
  const entries = Object.entries(object).map(([name, value]): [string, Value | null] => [name, change(value, name)]);
  return Object.fromEntries(entries.filter((entry): entry is [string, Value] => entry[1] !== null));
}
