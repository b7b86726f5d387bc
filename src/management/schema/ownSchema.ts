import { makeExecutableSchema, type IExecutableSchemaDefinition } from '@graphql-tools/schema';
import {
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  valueFromAST,
  type DocumentNode,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';

/**
 * Returns the schema of definitions that are part of Latchkey, which tests validate. Validating them at each start, and building each type
 * a second time for its resolvers, would take 40 ms of CPU time.
 */
export function ownSchema(
  typeDefs: DocumentNode,
  resolvers: NonNullable<IExecutableSchemaDefinition['resolvers']>,
): GraphQLSchema {
  const schema = makeExecutableSchema({ typeDefs, resolvers, assumeValidSDL: true, updateResolversInPlace: true });
  for (const type of Object.values(schema.getTypeMap())) for (const input of inputsOf(type)) readDefault(input);
  return schema;
}

function inputsOf(type: GraphQLNamedType): readonly (GraphQLArgument | GraphQLInputField)[] {
  if (isInputObjectType(type)) return Object.values(type.getFields());
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap(({ args }) => args);
}

/** Reads a default value again: when the schema was built, scalars did not have their resolvers, so a duration was still a text. */
function readDefault(input: GraphQLArgument | GraphQLInputField): void {
  const node = input.astNode?.defaultValue;
  if (node !== undefined) input.defaultValue = valueFromAST(node, input.type);
}
