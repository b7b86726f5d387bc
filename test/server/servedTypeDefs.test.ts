import { buildASTSchema, type GraphQLSchema } from 'graphql';
import { apiTypeDefs } from '../../src/management/schema/typeDefs.js';
import { servedTypeDefs } from '../../src/server/servedTypeDefs.js';

const fieldsOf = (schema: GraphQLSchema, type: string): string[] =>
  Object.keys((schema.getType(type) as unknown as { getFields(): object }).getFields());

test('with the built-in domain, its fields follow those of keys and its streams precede them', () => {
  const [own, served] = [buildASTSchema(apiTypeDefs()), buildASTSchema(servedTypeDefs(true))];
  for (const root of ['Query', 'Mutation'])
    expect(fieldsOf(served, root).slice(0, fieldsOf(own, root).length)).toEqual(fieldsOf(own, root));
  expect(fieldsOf(served, 'Query')).toEqual(expect.arrayContaining(['assets', 'events']));
  expect(fieldsOf(served, 'Subscription')).toEqual(['assetChanged', 'alertOpened', 'keyEvents']);
  expect(served.getType('Subscription')?.description).toBe(own.getType('Subscription')?.description);
  expect(Object.keys(served.getTypeMap()).length).toBeGreaterThan(Object.keys(own.getTypeMap()).length + 20);
});

test('without it, the API is schema.graphql', () => {
  expect(servedTypeDefs(false)).toEqual(apiTypeDefs());
  expect(fieldsOf(buildASTSchema(servedTypeDefs(false)), 'Subscription')).toEqual(['keyEvents']);
});
