import { buildSchema, getIntrospectionQuery, parse, type OperationDefinitionNode } from 'graphql';
import { PreparedReadings } from '../../../src/core/guard/preparedReadings.js';
import { createKey, startService, type TestService } from '../../support/service.js';

const schema = buildSchema('type Query { a: String b: Int }');
const readingOf = (query: string, variables: Record<string, unknown> = {}) => {
  const document = parse(query);
  return { document, operation: document.definitions[0] as OperationDefinitionNode, variables };
};

/** The documents that GraphiQL, Apollo's tools and code generators send. */
const VARIANTS = [
  {},
  { descriptions: false },
  { inputValueDeprecation: true, oneOf: true },
  { descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true },
];

test('R5: executes the standard query once for each variant and schema, however it is formatted', () => {
  const readings = new PreparedReadings();
  for (const options of VARIANTS) {
    const query = getIntrospectionQuery(options);
    const first = readings.answer(schema, readingOf(query));
    expect(first).toHaveProperty('__schema.queryType.name', 'Query');
    expect(readings.answer(schema, readingOf(`# a comment\n${query.replace(/\s+/g, ' ')}`))).toBe(first);
  }
  expect(readings.executed).toBe(VARIANTS.length);
  const other = buildSchema('type Query { other: String }');
  expect(JSON.stringify(readings.answer(other, readingOf(getIntrospectionQuery())))).not.toContain('"b"');
  expect(readings.executed).toBe(VARIANTS.length + 1);
});

test('R5: the cache key includes variables and the operation name', () => {
  const readings = new PreparedReadings();
  const query = 'query A($name: String!) { __type(name: $name) { name } }';
  expect(readings.answer(schema, readingOf(query, { name: 'Query' }))).toEqual({ __type: { name: 'Query' } });
  expect(readings.answer(schema, readingOf(query, { name: 'Int' }))).toEqual({ __type: { name: 'Int' } });
  const skip = 'query ($no: Boolean!) { __typename __schema @skip(if: $no) { queryType { name } } }';
  expect(readings.answer(schema, readingOf(skip, { no: true }))).toEqual({ __typename: 'Query' });
  expect(readings.answer(schema, readingOf(skip, { no: false }))).toHaveProperty('__schema');
});

test('R5: only the variables that the operation declares matter, and a missing one is not null', () => {
  const readings = new PreparedReadings();
  const query = 'query ($no: Boolean = true) { __typename __schema @skip(if: $no) { queryType { name } } }';
  const first = readings.answer(schema, readingOf(query));
  expect(first).toEqual({ __typename: 'Query' });
  expect(readings.answer(schema, readingOf(query, { no: null }))).toBeNull();
  expect(readings.answer(schema, readingOf(query, { other: 1 }))).toBe(first);
});

test('R10: variables that nest too deep for the stack are not a fault of the server', () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
  const unused = readingOf('{ __schema { queryType { name } } }', { deep });
  expect(new PreparedReadings().answer(schema, unused)).toHaveProperty('__schema');
  const used = readingOf('query ($deep: String!) { __type(name: $deep) { name } }', { deep });
  expect(new PreparedReadings().answer(schema, used)).toBeNull();
});

test.each([
  ['another field beside it', '{ a __schema { queryType { name } } }', {}],
  ['a fragment at the top', '{ ... { __schema { queryType { name } } } }', {}],
  ['a variable that does not fit', 'query ($n: String!) { __type(name: $n) { name } }', {}],
  ['long variables', 'query ($n: String!) { __type(name: $n) { name } }', { n: 'x'.repeat(600) }],
  ['a mutation', 'mutation { __typename }', {}],
])('R5: %s is executed like any other operation', (_, query, variables) => {
  expect(new PreparedReadings().answer(schema, readingOf(query, variables))).toBeNull();
});

describe('over HTTP', () => {
  let latchkey: TestService;
  beforeAll(async () => void (latchkey = await startService({ env: { INTROSPECTION: 'scoped' } })));
  afterAll(() => latchkey.close());

  test('R5: each caller always gets their own part of the schema', async () => {
    const { token } = await createKey(latchkey, { scopes: ['read:assets'] });
    const query = getIntrospectionQuery();
    const rounds = [];
    for (let i = 0; i < 2; i += 1) {
      for (const caller of [latchkey.adminToken, token, null]) {
        const { status, body, headers } = await latchkey.query(query, { token: caller });
        expect([status, headers.has('ratelimit')]).toEqual([200, true]);
        rounds.push(JSON.stringify(body.data));
      }
    }
    expect(rounds.slice(3)).toEqual(rounds.slice(0, 3));
    const [admin, reader, nobody] = rounds;
    expect(admin).toContain('createApiKey');
    expect(reader).not.toContain('createApiKey');
    expect(reader).toContain('"assets"');
    expect(nobody).not.toContain('"assets"');
  });
});
