import { GraphQLScalarType, parse, type OperationDefinitionNode } from 'graphql';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { checkVariables, variableErrors } from '../../../src/core/guard/validVariables.js';

let parsed: unknown[] = [];
beforeEach(() => void (parsed = []));

const Even = new GraphQLScalarType({
  name: 'Even',
  parseValue(value) {
    parsed.push(value);
    if (typeof value !== 'number' || value % 2 !== 0) throw new TypeError('It is not even.');
    return value;
  },
});
const schemaOf = () =>
  makeExecutableSchema({ typeDefs: 'scalar Even type Query { half(of: Even!): Int }', resolvers: { Even } });
const schema = schemaOf();
const operationOf = (text: string) => parse(text).definitions[0] as OperationDefinitionNode;
const half = operationOf('query ($of: Even!) { half(of: $of) }');

test('does not check variables again that were just found valid', () => {
  const variables = { of: 4 };
  expect(checkVariables(schema, half, variables)).toBeNull();
  expect(variableErrors(schema, half, variables)).toBeNull();
  expect(parsed).toEqual([4]);
});

test('uses a result once, so that variables that were changed later are checked', () => {
  const variables = { of: 4 };
  checkVariables(schema, half, variables);
  variableErrors(schema, half, variables);
  variables.of = 5;
  expect(variableErrors(schema, half, variables)).toHaveLength(1);
});

test.each([
  ['other variables', schema, half, { of: 3 }],
  ['another operation', schema, operationOf('query ($of: Even!) { twice: half(of: $of) }'), null],
  ['another schema', schemaOf(), half, null],
])('checks %s', (_, otherSchema, operation, others) => {
  const variables = { of: 4 };
  checkVariables(schema, half, variables);
  expect(variableErrors(otherSchema, operation, others ?? variables)).toEqual(
    others === null ? null : [expect.anything()],
  );
  expect(parsed).toHaveLength(2);
});

test('checks variables again that were found invalid', () => {
  const variables = { of: 3 };
  expect(checkVariables(schema, half, variables)).toHaveLength(1);
  expect(variableErrors(schema, half, variables)).toHaveLength(1);
});

test('accepts any variables of an operation without definitions', () => {
  expect(checkVariables(schema, operationOf('{ __typename }'), { of: 3 })).toBeNull();
  expect(variableErrors(schema, operationOf('{ __typename }'), { of: 3 })).toBeNull();
});
