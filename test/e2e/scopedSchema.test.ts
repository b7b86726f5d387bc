import { buildClientSchema, buildSchema, getIntrospectionQuery, parse, type GraphQLSchema } from 'graphql';
import { guardSchema } from '../../src/core/guard/guard.js';
import { noting, ownSchema, serving, type Ran } from '../bypass/own.js';
import { answerOf, createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';

let latchkey: TestService;
let reader: string;
let admin: string;
beforeAll(async () => {
  latchkey = await startService({
    env: { INTROSPECTION: 'scoped', ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
  });
  reader = (await createKey(latchkey, { scopes: ['read:assets'] }, OPERATOR_KEY)).token;
  admin = (await createKey(latchkey, { scopes: ['admin'] }, OPERATOR_KEY)).token;
});
afterAll(() => latchkey.close());

const printed = async (token: string | null): Promise<string> =>
  (
    await answerOf(
      await fetch(`${latchkey.origin}/schema.graphql`, { headers: token === null ? {} : { 'x-api-key': token } }),
    )
  ).text;
const introspected = async (token: string | null): Promise<GraphQLSchema> => {
  const answer = await latchkey.query(getIntrospectionQuery(), { token });
  expect(answer.status).toBe(200);
  return buildClientSchema(answer.body.data);
};
const fieldsOf = (schema: GraphQLSchema, root: 'getQueryType' | 'getMutationType'): string[] =>
  Object.keys(schema[root]()?.getFields() ?? {});

describe('each caller reads the part that they may use', () => {
  it('anonymous callers the public part, a key the part that its scopes allow, the operator everything', async () => {
    const seen = await Promise.all([null, reader, admin, OPERATOR_KEY].map(introspected));
    const [nobody, read, administered, all] = seen.map((schema) => [
      fieldsOf(schema, 'getQueryType'),
      fieldsOf(schema, 'getMutationType'),
    ]);
    expect(nobody).toEqual([['tiers'], []]);
    expect(read).toEqual([
      ['viewer', 'tiers', 'workspace', 'project', 'projects', 'assets', 'assetsConnection', 'asset'],
      ['deriveToken'],
    ]);
    expect(administered?.[0]).toEqual(all?.[0]?.filter((field) => field !== 'limitOverrides'));
    expect(all?.[1]?.filter((field) => administered?.[1]?.includes(field) !== true)).toEqual([
      'createWorkspace',
      'setWorkspaceTier',
      'setLimits',
      'addCredits',
    ]);
  });

  it('also at /schema.graphql', async () => {
    for (const token of [null, reader, admin, OPERATOR_KEY]) {
      const [text, schema] = [await printed(token), await introspected(token)];
      expect(() => parse(text)).not.toThrow();
      const read = buildSchema(text);
      for (const root of ['getQueryType', 'getMutationType'] as const) {
        expect(fieldsOf(read, root)).toEqual(fieldsOf(schema, root));
      }
    }
    expect(await printed(reader)).toContain('asset(name: String!, project: ID): Asset @auth(scope: "read:assets")');
    expect(await printed(reader)).not.toContain('ApiKeyConnection');
    expect(await printed(null)).not.toContain('viewer');
  });

  it('with any aliases, and by GET', async () => {
    const query =
      'query Q($n: String!) { ...F } fragment F on Query { x: __type(name: $n) { ...T } s: __schema { m: mutationType { name } } } fragment T on __Type { name possibleTypes { name } }';
    const ask = async (n: string, token: string) =>
      (await latchkey.query(query, { token, variables: { n } })).body.data;
    const m = { name: 'Mutation' };
    expect(await ask('ApiKeyFilter', reader)).toEqual({ x: null, s: { m } });
    expect(await ask('Asset', reader)).toMatchObject({ x: { name: 'Asset' }, s: { m } });
    expect(await ask('ApiKeyFilter', admin)).toMatchObject({
      x: { name: 'ApiKeyFilter' },
      s: { m: { name: 'Mutation' } },
    });
    const hidden = encodeURIComponent('{ __type(name: "ApiKeyFilter") { name } }');
    const byGet = await answerOf(await fetch(`${latchkey.url}?query=${hidden}`, { headers: { 'x-api-key': reader } }));
    expect(byGet.body).toEqual({ data: { __type: null } });
  });

  it("a known document returns each caller's own part", async () => {
    const query = '{ __schema { queryType { fields { name } } } tiers { tier } }';
    const first = await latchkey.query(query, { token: admin });
    for (const token of [reader, admin]) {
      const known = await latchkey.query(query, { token });
      const unknown = await latchkey.query(`${query}${token === reader ? ' ' : '  '}`, { token });
      expect(known.text).toBe(unknown.text);
      expect(known.text === first.text).toBe(token === admin);
    }
  });

  it('B25 next to other fields, which are checked and returned as usual', async () => {
    const both = '{ tiers { tier } a: __schema { queryType { fields { name } } } viewer { scopes } }';
    const { data } = (await latchkey.query(both, { token: reader })).body;
    expect(Object.keys(data)).toEqual(['tiers', 'a', 'viewer']);
    expect(data.viewer).toEqual({ scopes: ['read:assets'] });
    expect(data.a.queryType.fields.map(({ name }: { name: string }) => name)).not.toContain('apiKeys');
    for (const guarded of [
      '{ __schema { description } apiKeys { totalCount } }',
      '{ apiKeys { totalCount } __typename __schema { description } }',
    ]) {
      const answer = await latchkey.query(guarded, { token: reader });
      expect([answer.status, 'data' in answer.body]).toEqual([403, false]);
    }
    const skipped =
      'query ($v: Boolean!) { __schema { description } a: __type(name: "Query") @include(if: $v) { name } }';
    const { body } = await latchkey.query(skipped, { token: reader, variables: { v: false } });
    expect(body).toEqual({ data: { __schema: { description: null } } });
  });
});

describe("B42 errors name nothing that the caller can't see", () => {
  const messages = async (query: string, token: string | null, variables = {}): Promise<string> => {
    const answer = await latchkey.query(query, { token, variables });
    expect(answer.status).toBe(400);
    return answer.body.errors.map((error: { message: string }) => error.message).join('\n');
  };

  it('suggests only visible names', async () => {
    expect(await messages('{ asets { name } }', reader)).toContain('Did you mean "assets"');
    expect(await messages('{ asets { name } }', null)).not.toMatch(/"assets?"/);
    expect(await messages('{ apiKeyz { name } }', reader)).not.toContain('Did you mean');
    expect(await messages('{ apiKeyz { name } }', admin)).toContain('"apiKeys"');
    // `keys` of a workspace requires admin.
    expect(await messages('{ workspace { keyz } }', reader)).not.toContain('keys');
    expect(await messages('{ workspace { keyz } }', admin)).toContain('Did you mean "keys"');
  });

  it('guessing a hidden field reveals neither its type nor its arguments', async () => {
    expect(await messages('{ apiKeys }', reader)).toBe('Cannot query field "apiKeys" on type "Query".');
    expect(await messages('{ apiKeys }', admin)).toContain('ApiKeyConnection');
    expect(await messages('{ apiKeys(filter: { status: ACTIV }) { __typename } }', reader)).not.toMatch(
      /ACTIVE|ApiKeyStatus/,
    );
    expect(await messages('query ($v: ApiKeyFilte) { tiers { tier } }', reader)).not.toContain('ApiKeyFilter');
  });

  it('errors about variables use the visible schema', async () => {
    const create = 'mutation ($v: CreateApiKeyInput!) { createApiKey(input: $v) { __typename } }';
    expect(await messages(create, admin, { v: { name: 'a', scopes: [], typ: 1 } })).toContain('Did you mean "type"');
    const skipped = 'query ($v: ApiKeyFilter) { tiers { tier } apiKeys(filter: $v) @skip(if: true) { __typename } }';
    expect(await messages(skipped, reader, { v: { statu: 1 } })).not.toMatch(/"status"|Did you mean/);
  });

  it('contains no key from the document', async () => {
    const token = `lks_live_${'0'.repeat(54)}`;
    expect(await messages(`{ ${token} }`, reader)).toBe('Cannot query field "[key]" on type "Query".');
  });
});

describe('your own schema', () => {
  const schema = (ran: Ran) =>
    guardSchema(
      ownSchema(
        'type Query { query: Query! @public open: Int @auth hidden: Int @auth(scope: "read:x") } type Mutation { act: Payload @auth } type Payload { query: Query! }',
        {
          Query: noting(ran, 'Query', { query: {}, open: 1, hidden: 2 }),
          Mutation: noting(ran, 'Mutation', { act: { query: {} } }),
        },
      ),
    );

  it.each([
    ['nested in a field', '{ open query { query { __schema { queryType { name } } } } }'],
    [
      'by a fragment that stands at the top too',
      '{ ...F query { ...F } } fragment F on Query { t: __type(name: "Query") { name } }',
    ],
    ['in the payload of a mutation', 'mutation { act { query { __schema { queryType { name } } } } }'],
  ])('the schema is not read %s, and nothing runs', async (_, query) => {
    const ran: Ran = [];
    await serving(
      schema(ran),
      async (server) => {
        const answer = await server.query(query, ['read:y']);
        expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([403, 'FORBIDDEN']);
        expect(ran).toEqual([]);
        const top = await server.query('{ open query { open } t: __type(name: "Query") { fields { name } } }', [
          'read:y',
        ]);
        expect(top.body.data).toEqual({
          open: 1,
          query: { open: 1 },
          t: { fields: [{ name: 'query' }, { name: 'open' }] },
        });
        expect(ran).toEqual(['Query.open', 'Query.query', 'Query.open']);
      },
      { introspection: 'scoped' },
    );
  });

  it('a caller who can see nothing is refused: 401 without a key, 403 with one', async () => {
    const guarded = () => guardSchema(ownSchema('type Query { hidden: Int @auth(scope: "read:x") }'));
    await serving(
      guarded(),
      async (server) => {
        for (const [scopes, status] of [
          [null, 401],
          [['read:y'], 403],
          [['read:x'], 200],
        ] as const) {
          expect((await server.query('{ __schema { queryType { name } } }', scopes)).status).toBe(status);
        }
        const wrong = await server.query('{ hiddn }', ['read:y']);
        expect(wrong.text).not.toContain('hidden');
      },
      { introspection: 'scoped' },
    );
  });
});
