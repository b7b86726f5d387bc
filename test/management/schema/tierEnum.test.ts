import { makeExecutableSchema } from '@graphql-tools/schema';
import { buildASTSchema, execute, isEnumType, parse, printSchema, validate, type GraphQLSchema } from 'graphql';
import { apiTypeDefs, keyTypeDefs } from '../../../src/management/schema/typeDefs.js';
import { TierEnums } from '../../../src/management/schema/tierEnum.js';
import { PUBLISHED_TIERS } from '../../../src/core/limits/tierNames.js';

const valuesOf = (schema: GraphQLSchema): readonly string[] => {
  const type = schema.getType('Tier');
  return isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
};

test('the definitions have the tiers of an installation, in their order', () => {
  for (const typeDefs of [apiTypeDefs, keyTypeDefs]) {
    expect(valuesOf(buildASTSchema(typeDefs(['HOBBY', 'GROWTH'])))).toEqual(['HOBBY', 'GROWTH']);
    expect(valuesOf(buildASTSchema(typeDefs()))).toEqual([...PUBLISHED_TIERS]);
  }
});

const schemaOf = (tiers: readonly string[]) =>
  makeExecutableSchema({
    typeDefs: `enum Tier { ${tiers.join(' ')} } type Query { tier: Tier! echo(tier: Tier!): Tier! }`,
    resolvers: { Query: { tier: () => 'HOBBY', echo: (_: unknown, { tier }: { tier: string }) => tier } },
  });

test('replaces the values of a schema in place: for introspection, validation, arguments, variables and results', async () => {
  const schema = schemaOf(['STARTER', 'GROWTH']);
  const enums = new TierEnums();
  enums.watch(schema);
  const ask = (query: string, variableValues = {}) => execute({ schema, document: parse(query), variableValues });
  expect((await ask('{ tier }')).errors?.[0]?.message).toContain('cannot represent value: "HOBBY"');
  enums.replace(['STARTER', 'GROWTH'], ['HOBBY', 'GROWTH']);
  expect(printSchema(schema)).toContain('enum Tier {\n  HOBBY\n  GROWTH\n}');
  expect(await ask('{ tier a: echo(tier: HOBBY) }')).toEqual({ data: { tier: 'HOBBY', a: 'HOBBY' } });
  expect(await ask('query ($t: Tier!) { echo(tier: $t) }', { t: 'GROWTH' })).toEqual({ data: { echo: 'GROWTH' } });
  expect(validate(schema, parse('{ echo(tier: STARTER) }'))[0]?.message).toContain(
    '"STARTER" does not exist in "Tier"',
  );
  expect((await ask('query ($t: Tier!) { echo(tier: $t) }', { t: 'STARTER' })).errors).toHaveLength(1);
});

test('changes neither an enum of the application nor a schema without one', () => {
  const [own, without] = [schemaOf(['GOLD']), buildASTSchema(parse('type Query { a: Int }'))];
  const enums = new TierEnums();
  for (const schema of [own, without]) enums.watch(schema);
  enums.replace(['STARTER'], ['HOBBY']);
  expect(valuesOf(own)).toEqual(['GOLD']);
});
