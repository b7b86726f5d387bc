import { GraphQLScalarType, parse, type ConstValueNode, type GraphQLInputObjectType } from 'graphql';
import { ownSchema } from '../../../src/management/schema/ownSchema.js';
import { startService } from '../../support/service.js';

const Twice = new GraphQLScalarType({
  name: 'Twice',
  serialize: (value) => Number(value) / 2,
  parseValue: (value) => Number(value) * 2,
  parseLiteral: (node) => Number((node as ConstValueNode & { readonly value: string }).value) * 2,
});

test('default values are read by their scalars', () => {
  const typeDefs = parse(
    'scalar Twice input I { a: Twice = 4, b: [Twice!] = [1, 2], c: Int = 3 } type Query { f(x: Twice = 5, i: I = {a: 6}): Int }',
  );
  const schema = ownSchema(typeDefs, { Twice });
  const fields = (schema.getType('I') as GraphQLInputObjectType).getFields();
  expect([fields.a?.defaultValue, fields.b?.defaultValue, fields.c?.defaultValue]).toEqual([8, [2, 4], 3]);
  const [x, i] = schema.getQueryType()?.getFields().f?.args ?? [];
  expect([x?.defaultValue, i?.defaultValue]).toEqual([10, { a: 12, b: [2, 4], c: 3 }]);
});

test('a rotation and a derived token have the default durations of the schema', async () => {
  let now = Date.UTC(2026, 0);
  const service = await startService({ now: () => now });
  try {
    const created = await service.query(
      'mutation { createApiKey(input: { name: "a", scopes: ["read:assets"] }) { token apiKey { id } } }',
    );
    const { token, apiKey } = created.body.data.createApiKey;
    const derived = await service.query('mutation { deriveToken(input: { scopes: ["read:assets"] }) { expiresAt } }', {
      token,
    });
    expect(derived.body.data.deriveToken.expiresAt).toBe('2026-01-01T00:15:00.000Z');
    now += 1_000;
    const rotated = await service.query(
      'mutation Rotate($id: ID!) { rotateApiKey(input: { id: $id }) { apiKey { replaces { expiresAt } } } }',
      { variables: { id: apiKey.id } },
    );
    expect(rotated.body.data.rotateApiKey.apiKey.replaces.expiresAt).toBe('2026-01-02T00:00:01.000Z');
  } finally {
    await service.close();
  }
});
