import {
  extendSchema,
  isObjectType,
  isScalarType,
  Kind,
  OperationTypeNode,
  type DefinitionNode,
  type DocumentNode,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  type GraphQLScalarType,
  type ObjectTypeDefinitionNode,
  type ObjectTypeExtensionNode,
  type SchemaExtensionNode,
} from 'graphql';
import { GuardError } from '../../core/guard/rules.js';

interface Management {
  readonly typeDefs: DocumentNode;
  readonly resolvers: Readonly<Record<string, object>>;
}

/**
 * Returns a schema with the operations on keys and workspaces, for servers that build their schema themselves.
 *
 * @throws GuardError if the schema has other types of the same names
 */
export function withManagement(schema: GraphQLSchema, { typeDefs, resolvers }: Management): GraphQLSchema {
  const roots = rootsOf(schema);
  const clashes: string[] = [];
  const definitions = typeDefs.definitions.flatMap((definition): DefinitionNode[] => {
    if (definition.kind === Kind.DIRECTIVE_DEFINITION) {
      return schema.getDirective(definition.name.value) == null ? [definition] : [];
    }
    if (!('name' in definition)) return [definition];
    const { value: name } = definition.name;
    const root = roots.get(name);
    if (definition.kind === Kind.OBJECT_TYPE_DEFINITION && root !== undefined) {
      return root === null ? [definition, asRoot(name)] : [extensionOf(definition, root)];
    }
    const known = schema.getType(name);
    if (known === undefined) return [definition];
    if (!isScalarType(known)) clashes.push(name);
    return [];
  });
  if (clashes.length > 0) {
    throw new GuardError(
      clashes,
      `The schema has other types of the same names as the operations on keys: ${clashes.join(', ')}. Rename yours, or leave the operations out.`,
    );
  }
  const extended = extendSchema(schema, { kind: Kind.DOCUMENT, definitions }, { assumeValidSDL: true });
  for (const [name, fields] of Object.entries(resolvers)) addResolvers(extended, roots.get(name) ?? name, fields);
  return extended;
}

/** Returns the root types of the schema by the names that Latchkey uses; null if the schema has none. */
function rootsOf(schema: GraphQLSchema): ReadonlyMap<string, string | null> {
  return new Map([
    ['Query', schema.getQueryType()?.name ?? null],
    ['Mutation', schema.getMutationType()?.name ?? null],
  ]);
}

function extensionOf(definition: ObjectTypeDefinitionNode, name: string): ObjectTypeExtensionNode {
  return { ...definition, kind: Kind.OBJECT_TYPE_EXTENSION, name: { kind: Kind.NAME, value: name } };
}

/** Makes a type a root type of the schema, which a type of that name is not by itself. */
function asRoot(name: string): SchemaExtensionNode {
  const operation = name === 'Query' ? OperationTypeNode.QUERY : OperationTypeNode.MUTATION;
  const type = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: name } } as const;
  return { kind: Kind.SCHEMA_EXTENSION, operationTypes: [{ kind: Kind.OPERATION_TYPE_DEFINITION, operation, type }] };
}

function addResolvers(schema: GraphQLSchema, name: string, resolvers: object): void {
  const type = schema.getType(name);
  if (isScalarType(type)) {
    const { serialize, parseValue, parseLiteral } = resolvers as GraphQLScalarType;
    Object.assign(type, { serialize, parseValue, parseLiteral });
  }
  if (!isObjectType(type)) return;
  const fields = type.getFields();
  for (const [field, resolve] of Object.entries(resolvers) as [string, GraphQLFieldResolver<unknown, unknown>][]) {
    if (fields[field] !== undefined) fields[field].resolve = resolve;
  }
}
