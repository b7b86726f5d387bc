import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import fc from 'fast-check';
import { answerOf, createKey, OPERATOR_KEY, type Answer } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { startOwnApollo, type OwnApollo } from './ownApollo.js';
import { apolloOptions } from '../../src/adapters/apollo/apolloOptions.js';

/** One seed, so that a failure comes again. */
const SEED = 20_261_129;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let service: FrozenService;
let own: OwnApollo;
let servers: Record<'service' | 'library', { readonly url: string; readonly token: string }>;
beforeAll(async () => {
  service = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  own = await startOwnApollo({
    typeDefs: `
      extend type Query {
        orders(first: Int! = 10, of: String, since: DateTime): [String!]! @auth(scope: "read:orders")
        opening: String! @public
      }`,
    resolvers: { Query: { orders: () => ['A-1'], opening: () => '9 to 5' } },
    latchkey: { now: () => service.clock.now, defaultTier: 'ENTERPRISE' },
  });
  const { token } = await createKey(service, { scopes: ['platform'] }, OPERATOR_KEY);
  servers = { service: { url: service.url, token }, library: { url: own.url, token: own.token } };
});
afterAll(async () => {
  await own.close();
  await service.close();
});
beforeEach(() => service.pass(60_000));

describe.each(['service', 'library'] as const)('of the %s', (name) => {
  const post = async (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    answerOf(
      await fetch(servers[name].url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    );
  const keyed = (): Record<string, string> => ({ authorization: `Bearer ${servers[name].token}` });
  const query = '{ viewer { scopes } }';

  const extensions = { persistedQuery: { version: 1, sha256Hash: sha256(query) } };
  const unsupported = {
    message: 'PersistedQueryNotSupported',
    extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
  };

  // The library's own field, and a field below the root of the service.
  const dated = {
    service: (at: string) => `{ apiKey(id: "key_1") { usage(by: DAY, from: ${at}) { requests } } }`,
    library: (at: string) => `{ orders(since: ${at}) }`,
  }[name];
  test('N9: a day that does not exist is reported with its position, inline or as a variable', async () => {
    const text = '2027-02-29T00:00:00Z';
    const said = `The DateTime "${text}" has a day that does not exist: 2027-02 has 28 days.`;
    const [inline, variable] = [dated(`"${text}"`), `query ($at: DateTime) ${dated('$at')}`];
    for (const [body, column, code] of [
      [{ query: inline }, inline.lastIndexOf(`"${text}"`) + 1, 'GRAPHQL_VALIDATION_FAILED'],
      [{ query: variable, variables: { at: text } }, variable.indexOf('$at') + 1, 'BAD_USER_INPUT'],
    ] as const) {
      expect(await post(body, keyed())).toMatchObject({
        status: 400,
        body: {
          errors: [{ message: expect.stringContaining(said), locations: [{ line: 1, column }], extensions: { code } }],
        },
      });
    }
  });

  test.each([
    ['a batch', [{ query }, { query }], 'Batches of operations are not supported: the body is a JSON array. Send one'],
    ['an empty batch', [], 'Batches of operations are not supported'],
    ['an empty object', {}, 'The body has no operation. Send Content-Type: application/json and a JSON object'],
  ])('N18: refuses %s with a remedy', async (_what, body, said) => {
    for (const headers of [{}, keyed()]) {
      expect(await post(body, headers)).toMatchObject({
        status: 400,
        body: { errors: [{ message: expect.stringContaining(said), extensions: { code: 'BAD_REQUEST' } }] },
      });
    }
  });

  test.each([
    ['POST of a hash', () => post({ extensions }, keyed())],
    ['POST of a hash and its query', () => post({ query, extensions }, keyed())],
    ['POST without a key', () => post({ extensions })],
    [
      'POST of a hash that no document has',
      () => post({ extensions: { persistedQuery: { version: 1, sha256Hash: '0' } } }),
    ],
    [
      'GET of a hash',
      async () => {
        const search = new URLSearchParams({ extensions: JSON.stringify(extensions) });
        const headers = { ...keyed(), 'apollo-require-preflight': '1' };
        return answerOf(await fetch(`${servers[name].url}?${search.toString()}`, { headers }));
      },
    ],
  ])('F1: returns PERSISTED_QUERY_NOT_SUPPORTED for a %s', async (_, send) => {
    const answer = await send();
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ errors: [unsupported] });
  });

  test.each([false, true])(
    'F1: Apollo Client with persisted queries falls back to whole queries, GET: %s',
    async (get) => {
      const sent: string[] = [];
      const link = ApolloLink.from([
        new PersistedQueryLink({ sha256, useGETForHashedQueries: get }),
        new HttpLink({
          uri: servers[name].url,
          headers: { ...keyed(), 'apollo-require-preflight': '1' },
          fetch: (input, init) => {
            sent.push(typeof init?.body === 'string' && 'query' in JSON.parse(init.body) ? 'query' : 'hash');
            return fetch(input, init);
          },
        }),
      ]);
      const client = new ApolloClient({
        link,
        cache: new InMemoryCache(),
        defaultOptions: { query: { fetchPolicy: 'no-cache' } },
      });
      for (let i = 0; i < 2; i += 1) {
        const { data } = await client.query({ query: gql(query) });
        expect(JSON.stringify(data)).toMatch(/"scopes":\["/);
      }
      // The server reported that it doesn't support hashes, so the client doesn't send one again.
      expect(sent).toEqual(['hash', 'query', 'query']);
    },
  );

  test.each<[string, unknown, Record<string, string>, number, string]>([
    ['a list of operations', [{ query }], {}, 400, 'BAD_REQUEST'],
    ['an empty list', [], {}, 400, 'BAD_REQUEST'],
    ['extensions that are text', { query, extensions: '{}' }, {}, 400, 'BAD_REQUEST'],
    ['extensions that are a list', { query, extensions: [] }, {}, 400, 'BAD_REQUEST'],
    ['variables that are text', { query, variables: '{}' }, {}, 400, 'BAD_REQUEST'],
    ['variables that are a number', { query, variables: 1 }, {}, 400, 'BAD_REQUEST'],
    ['an operation name that is a number', { query, operationName: 1 }, {}, 400, 'BAD_REQUEST'],
    [
      'an operation name that the document does not have',
      { query, operationName: 'A' },
      {},
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['a query that is a list', { query: [query] }, {}, 400, 'BAD_REQUEST'],
    ['a query that is a syntax tree', { query: gql(query) }, {}, 400, 'BAD_REQUEST'],
    ['no query', { variables: {} }, {}, 400, 'BAD_REQUEST'],
    [
      'another version of persisted queries',
      { extensions: { persistedQuery: { version: 2 } } },
      {},
      200,
      'PERSISTED_QUERY_NOT_SUPPORTED',
    ],
    ['an answer in a form that is not there', { query }, { accept: 'image/png' }, 406, 'BAD_REQUEST'],
  ])('F1: treats %s as a fault of the request', async (_, body, headers, status, code) => {
    const { errors } = (await post(body, { ...keyed(), ...headers })).body;
    expect(errors).toHaveLength(1);
    expect(errors[0].extensions.code).toBe(code);
    expect((await post(body, { ...keyed(), ...headers })).status).toBe(status);
    expect(errors[0].message).not.toMatch(/Something went wrong/);
  });

  test('F1: returns 405 for a mutation by GET', async () => {
    const search = new URLSearchParams({ query: 'mutation { revokeApiKey(input: { id: "x" }) { apiKey { id } } }' });
    const answer = await answerOf(
      await fetch(`${servers[name].url}?${search.toString()}`, {
        headers: { ...keyed(), 'apollo-require-preflight': '1' },
      }),
    );
    expect([answer.status, answer.headers.get('allow'), answer.body.errors[0].extensions.code]).toEqual([
      405,
      'POST',
      'BAD_REQUEST',
    ]);
  });

  test.each([
    [
      'a variable that is null in @skip',
      'query ($v: Boolean = true) { viewer { scopes } tiers @skip(if: $v) { tier } }',
    ],
    [
      'a variable that is null in @include of a nested field',
      'query ($v: Boolean = true) { viewer { scopes @include(if: $v) } }',
    ],
  ])('F1: returns BAD_USER_INPUT for %s', async (_, document) => {
    const { body } = await post({ query: document, variables: { v: null } }, keyed());
    expect(body.errors.map(({ extensions: { code } }: { extensions: { code: string } }) => code)).toEqual([
      'BAD_USER_INPUT',
    ]);
    expect(body.errors[0].message).toContain('must not be null');
  });

  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string()),
    fc.object({ maxDepth: 2 }),
  );
  const persisted = fc.record({
    persistedQuery: fc.oneof(value, fc.record({ version: value, sha256Hash: value }, { requiredKeys: [] })),
  });
  const documents = fc.constantFrom(
    query,
    '{',
    '',
    '{ nothing }',
    'subscription { viewer { scopes } }',
    'mutation { nothing }',
    'query A { viewer { scopes } } query B { viewer { scopes } }',
    'query ($v: Boolean = true) { viewer { scopes @skip(if: $v) } }',
    'query ($v: Int = 1) { __type(name: $v) { name } }',
    'query ($v: String! = "Query") { __type(name: $v) { name } }',
    'fragment F on Query { viewer { scopes } }',
    'query ($v: [ID!] = []) { viewer { scopes } }',
    'query ($v: DateTime) { viewer { scopes } }',
  );
  const bodies = fc.oneof(
    fc.record(
      {
        query: fc.oneof({ weight: 4, arbitrary: documents }, value),
        variables: fc.oneof(fc.record({ v: value }), value),
        operationName: fc.oneof(fc.constantFrom('A', 'B', ''), value),
        extensions: fc.oneof(persisted, value),
      },
      { requiredKeys: [] },
    ),
    fc.array(fc.record({ query: documents }), { maxLength: 3 }),
    value,
  );
  const headers = fc.record(
    {
      accept: fc.constantFrom(
        '*/*',
        'text/html',
        'application/json',
        'application/graphql-response+json',
        'multipart/mixed',
        'x',
      ),
      'content-type': fc.constantFrom(
        'application/json',
        'text/plain',
        'multipart/form-data',
        'application/x-www-form-urlencoded',
        'nonsense',
      ),
      'apollo-require-preflight': fc.constantFrom('1'),
    },
    { requiredKeys: [] },
  );

  test('F1: treats no malformed request as a fault of the server', async () => {
    const attempts = fc.sample(fc.tuple(fc.boolean(), fc.boolean(), bodies, headers), { seed: SEED, numRuns: 600 });
    for (const [i, [isGet, isKeyed, body, more]] of attempts.entries()) {
      if (i % 80 === 0) service.pass(60_000);
      const fields = { ...(isKeyed && keyed()), ...more };
      const search = new URLSearchParams(
        Object.entries(body ?? {}).map(([field, sent]): [string, string] => [
          field,
          typeof sent === 'string' ? sent : JSON.stringify(sent),
        ]),
      );
      const response = isGet
        ? await fetch(`${servers[name].url}?${search.toString()}`, { headers: fields })
        : await fetch(servers[name].url, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...fields },
            body: JSON.stringify(body),
          });
      const text = await response.text();
      const seen = { status: response.status, text: text.slice(0, 200), isGet, body, more };
      if (response.status >= 500 || text.includes('INTERNAL_SERVER_ERROR')) throw new Error(JSON.stringify(seen));
    }
    expect(own.logged).toEqual([]);
    expect(service.logs.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  });
});

test('F1: null for a non-null argument is a fault of the request', async () => {
  const query = 'query ($v: Int = 1) { orders(first: $v) }';
  const { body } = await own.query(query, { variables: { v: null } });
  expect(body.errors).toMatchObject([{ path: ['orders'], extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(body.errors[0].message).toContain('"first"');
  expect((await own.query(query, { variables: {} })).body).toEqual({ data: { orders: ['A-1'] } });
  expect(own.logged).toEqual([]);
});

test('F1: a persisted query with a different hash is a fault of the request if the server has a cache', async () => {
  const caching = await startOwnApollo({
    apollo: (latchkey, { schema, logger }) => ({ schema, logger, ...apolloOptions(latchkey), persistedQueries: {} }),
  });
  const send = async (body: object): Promise<Answer> =>
    answerOf(
      await fetch(caching.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${caching.token}` },
        body: JSON.stringify(body),
      }),
    );
  const query = '{ viewer { scopes } }';
  const hash = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
  try {
    const wrong = await send({ query, extensions: hash('0'.repeat(64)) });
    expect([wrong.status, wrong.body.errors]).toEqual([
      400,
      [{ message: 'provided sha does not match query', extensions: { code: 'BAD_REQUEST' } }],
    ]);
    const unknown = await send({ extensions: hash(sha256(query)) });
    expect(unknown.body.errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect((await send({ query, extensions: hash(sha256(query)) })).status).toBe(200);
    expect((await send({ extensions: hash(sha256(query)) })).body.data.viewer.scopes).toContain('admin');
  } finally {
    await caching.close();
  }
});

test('F1: an operation type that the schema does not have is a fault of the request', async () => {
  const { makeExecutableSchema } = await import('@graphql-tools/schema');
  const { directiveTypeDefs, guardSchema } = await import('../../src/index.js');
  const schema = guardSchema(
    makeExecutableSchema({ typeDefs: [directiveTypeDefs(), 'type Query { a: Int @public }'], resolvers: {} }),
  );
  const small = await startOwnApollo({
    apollo: (latchkey, { logger }) => ({ logger, ...apolloOptions(latchkey), schema }),
  });
  try {
    for (const kind of ['mutation', 'subscription']) {
      const answer = await small.query(`${kind} { a }`);
      expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
    }
    expect((await small.query('{ a }')).body).toEqual({ data: { a: null } });
    expect(small.logged).toEqual([]);
  } finally {
    await small.close();
  }
});
