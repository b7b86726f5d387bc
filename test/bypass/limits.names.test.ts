import { makeExecutableSchema } from '@graphql-tools/schema';
import { isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';
import { guardSchema } from '../../src/core/guard/guard.js';
import { servedTypeDefs } from '../../src/server/servedTypeDefs.js';
import { OPERATOR_KEY, startService, type Answer, type TestService } from '../support/service.js';
import { noting, ownSchema, serving, type Ran } from './own.js';

let service: TestService;
beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE', INTROSPECTION: 'on' } });
});
afterAll(() => service.close());

describe('B42 callers without introspection learn no names', () => {
  const names = new Set<string>();
  for (const type of Object.values(makeExecutableSchema({ typeDefs: servedTypeDefs(true) }).getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    names.add(type.name);
    if (isEnumType(type)) for (const { name } of type.getValues()) names.add(name);
    if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        names.add(field.name);
        if ('args' in field) for (const { name } of field.args) names.add(name);
      }
    }
  }
  /**
   * Words of GraphQL's own messages that are also names in this schema, and the scalar whose error describes its
   * format.
   */
  const english = new Set([
    'DateTime',
    'at',
    'by',
    'Query',
    'Mutation',
    'String',
    'Int',
    'Float',
    'Boolean',
    'ID',
    'name',
    'type',
    'input',
    'limit',
    'key',
    'kind',
    'field',
    'message',
    'schema',
    'scope',
    'errors',
    'used',
    'value',
    'variables',
  ]);

  const PROBES: [string, string, object?][] = [
    ['a field, nearly', '{ asets { nme } }'],
    ['a field without its selections', '{ assets }'],
    ['a field with selections that it has not', '{ tiers { tier { x } } }'],
    ['an argument, nearly', '{ asset(nam: "x") { __typename } }'],
    ['an argument left out', '{ asset { __typename } }'],
    ['an input without its fields', 'mutation { createApiKey(input: {}) { __typename } }'],
    ['an input with a field, nearly', 'mutation { createApiKey(input: { nam: "x" }) { __typename } }'],
    ['an enum value, nearly', '{ apiKeys(filter: { status: ACTIV }) { __typename } }'],
    ['a wrong value', '{ apiKeys(first: "x") { __typename } }'],
    ['a type, nearly', '{ ... on Quer { __typename } }'],
    ['a fragment where it cannot be', '{ tiers { ... on Asset { __typename } } }'],
    ['a directive, nearly', '{ tiers @inclde(if: true) { __typename } }'],
    ['a variable in a wrong place', 'query ($v: Int) { apiKeys(filter: $v) { __typename } }'],
    ['a variable of a type, nearly', 'query ($v: ApiKeyFilte) { apiKeys(filter: $v) { __typename } }'],
    ['quotes that end a quotation early', '{ asset(nam: "\\" in \\"") { __typename } }'],
  ];

  const COERCIONS: [string, string, object][] = [
    ['a field left out', 'mutation ($v: CreateApiKeyInput!) { createApiKey(input: $v) { __typename } }', { v: {} }],
    [
      'a field, nearly',
      'mutation ($v: CreateApiKeyInput!) { createApiKey(input: $v) { __typename } }',
      { v: { name: 'a', scopes: [], typ: 1 } },
    ],
    [
      'an enum value, nearly',
      'query ($v: ApiKeyFilter) { apiKeys(filter: $v) { __typename } }',
      { v: { status: 'ACTIV' } },
    ],
    [
      'a wrong value, with quotes',
      'query ($v: ApiKeyFilter) { apiKeys(filter: $v) { __typename } }',
      { v: { status: '"' } },
    ],
    [
      'a scalar',
      'mutation ($v: ExpireApiKeyInput!) { expireApiKey(input: $v) { __typename } }',
      { v: { id: 'a', at: 'then' } },
    ],
    ['nothing', 'query ($v: String!) { asset(name: $v) { __typename } }', {}],
  ];

  const learned = (text: string, sent: string) => {
    const own = new Set(sent.match(/\w+/g));
    return (text.match(/\w+/g) ?? []).filter((word) => names.has(word) && !own.has(word) && !english.has(word));
  };
  const messagesOf = (answer: Answer): string =>
    answer.body.errors.map((error: { message: string }) => error.message).join('\n');

  describe.each(['authenticated', 'off'] as const)('B42 INTROSPECTION=%s', (introspection) => {
    let closed: TestService;
    beforeAll(async () => {
      closed = await startService({
        env: { INTROSPECTION: introspection, ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
      });
    });
    afterAll(() => closed.close());
    const outsider = () => (introspection === 'off' ? OPERATOR_KEY : null);

    it.each(PROBES)('B42 document: %s', async (_, query) => {
      const answer = await closed.query(query, { token: outsider() });
      expect(answer.status).toBe(400);
      expect(answer.text).not.toContain('Did you mean');
      expect(learned(messagesOf(answer), query)).toEqual([]);
    });

    it.each(COERCIONS)('B42 variables: %s', async (_, query, variables) => {
      const answer = await closed.query(query, { token: outsider(), variables });
      expect(answer.status).toBe(introspection === 'off' ? 400 : 401);
      expect(answer.text).not.toContain('Did you mean');
      expect(learned(messagesOf(answer), query + JSON.stringify(variables))).toEqual([]);
    });

    it('B42 introspection itself is refused, under alias and fragment', async () => {
      for (const query of [
        '{ __schema { queryType { name } } }',
        '{ tiers: __type(name: "Asset") { name } }',
        '{ ...F } fragment F on Query { tiers { tier } x: __schema { queryType { name } } }',
      ]) {
        const answer = await closed.query(query, { token: outsider() });
        expect(answer.status).toBe(introspection === 'off' ? 403 : 401);
        expect(answer.body.data).toBeUndefined();
      }
    });
  });

  it('B42 callers with introspection get suggestions', async () => {
    const field = await service.query('{ asets { name } }', { token: null });
    expect(field.body.errors[0].message).toMatch(/^Cannot query field "asets" on type "Query"\. Did you mean "assets"/);
    const [, query, variables] = COERCIONS[2] ?? [];
    const value = await service.query(query ?? '', { variables: variables ?? {} });
    expect(value.body.errors[0].message).toContain('Did you mean the enum value "ACTIVE"');
  });

  it.each([
    ['nested in a field', '{ query { query { __schema { queryType { name } } } } }'],
    ['by a fragment on the query type', '{ query { ...F } } fragment F on Query { t: __type(name: "Query") { name } }'],
    ['in the payload of a mutation', 'mutation { act { query { __schema { queryType { name } } } } }'],
  ])('B42 the query type reached again, %s: introspection is still refused', async (_, query) => {
    const ran: Ran = [];
    const schema = () =>
      guardSchema(
        ownSchema(
          'type Query { query: Query! @public open: Int @public } type Mutation { act: Payload @public } type Payload { query: Query! }',
          {
            Query: noting(ran, 'Query', { query: {}, open: 1 }),
            Mutation: noting(ran, 'Mutation', { act: { query: {} } }),
          },
        ),
      );
    await serving(
      schema(),
      async (server) => {
        expect((await server.query(query, null)).status).toBe(401);
        expect(ran).toEqual([]);
        expect((await server.query('{ query { open } }', null)).body.data).toEqual({ query: { open: 1 } });
        expect((await server.query(query, ['read:a'])).body.errors).toBeUndefined();
      },
      { introspection: 'authenticated' },
    );
    await serving(
      schema(),
      async (server) => {
        ran.splice(0);
        expect((await server.query(query, ['platform'])).status).toBe(403);
        expect(ran).toEqual([]);
      },
      { introspection: 'off' },
    );
  });
});
