import { ApolloServer, HeaderMap, type ApolloServerOptions, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANONYMOUS, type LatchkeyContext } from '../../../src/core/auth/principal.js';
import { apolloOptions } from '../../../src/apollo.js';
import { createLatchkey, openSqliteStore, type Latchkey } from '../../../src/index.js';
import { keyWith, ownSchema } from '../../bypass/own.js';

type Options = ApolloServerOptions<LatchkeyContext>;
type Own = Partial<Parameters<typeof apolloOptions<LatchkeyContext>>[1]>;

const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
let store: Awaited<ReturnType<typeof openSqliteStore>>;
let latchkey: Latchkey;
beforeAll(async () => {
  store = await openSqliteStore({ dir });
  latchkey = await createLatchkey({ store, bcryptCost: 4, onDenied: 'filter', log: () => undefined });
});
afterAll(async () => {
  await latchkey.close();
  await store.close();
  rmSync(dir, { recursive: true });
});

const failing = (http: object) => () => {
  throw new GraphQLError('No tea.', { extensions: { code: 'TEAPOT', http } });
};

function schemaOf(): GraphQLSchema {
  const typeDefs = `
    type Query {
      byApollo: Boolean! @public
      byPlan: Boolean! @public
      later: Int @public
      rejected: Int @public
      tea(n: Int, status: Int): String @auth
      must: String! @auth
      list: String @auth
      secret: String @auth(scope: "read:secrets")
    }
    type Mutation { add(n: Int!): Int @auth }
  `;
  return latchkey.guard(
    ownSchema(typeDefs, {
      Query: {
        byApollo: () => new Error().stack?.includes('incrementalDeliveryPolyfill'),
        byPlan: () => new Error().stack?.includes('executePlan'),
        later: async () => 1,
        rejected: () => Promise.reject(new Error('secret')),
        tea: (_: unknown, { status }: { status?: number }) =>
          failing({ status: status ?? 418, headers: new Map([['x-tea', 'green']]) })(),
        must: failing({ status: 418 }),
        list: failing({ status: 418, headers: { 'x-tea': 'green' } }),
        secret: () => 'secret',
      },
      Mutation: { add: (_: unknown, { n }: { n: number }) => n + 1 },
    }),
  );
}

const idle: ApolloServerPlugin<LatchkeyContext> = { requestDidStart: async () => ({}) };

async function startedAs(options: Options): Promise<ApolloServer<LatchkeyContext>> {
  const server = new ApolloServer<LatchkeyContext>(options);
  await server.start();
  return server;
}

const optionsOf = (own: Own = {}): Options =>
  apolloOptions<LatchkeyContext>(latchkey, { schema: schemaOf(), stopOnTerminationSignals: false, ...own });

async function ask(server: ApolloServer<LatchkeyContext>, body: object, principal = keyWith(['read:tea'])) {
  const {
    status,
    headers,
    body: sent,
  } = await server.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      ...{ method: 'POST', search: '', body },
      headers: new HeaderMap([['content-type', 'application/json']]),
    },
    context: async () => ({ principal }),
  });
  const fields = Object.fromEntries([...headers].filter(([name]) => name !== 'ratelimit'));
  return { status, fields, text: sent.kind === 'complete' ? sent.string : '' };
}

async function byApollo(server: ApolloServer<LatchkeyContext>): Promise<boolean> {
  const { text } = await ask(server, { query: '{ byApollo }' });
  await server.stop();
  return JSON.parse(text).data.byApollo;
}

describe('the responses equal the responses of Apollo Server', () => {
  let [own, apollos]: ApolloServer<LatchkeyContext>[] = [];
  beforeAll(async () => {
    own = await startedAs(optionsOf());
    apollos = await startedAs(optionsOf({ plugins: [idle] }));
  });
  afterAll(async () => {
    await own?.stop();
    await apollos?.stop();
  });

  const ANYONE = { principal: ANONYMOUS };
  test.each<[string, object, { principal?: typeof ANONYMOUS }?]>([
    ['data', { query: '{ later }' }],
    ['data of a caller without a key', { query: '{ later }' }, ANYONE],
    ['an unexpected error', { query: '{ later rejected }' }],
    ['an error with a status and header fields', { query: '{ tea }' }],
    ['several errors with a status', { query: '{ a: tea(status: 410) b: tea(status: 402) }' }],
    ['an error without data', { query: '{ must }' }],
    ['an error with header fields in another form', { query: '{ list }' }],
    ['invalid variables', { query: 'query ($n: Int) { tea(n: $n) }', variables: { n: 'x' } }],
    ['invalid variables without a key', { query: 'query ($n: Int!) { later @include(if: false) tea(n: $n) }' }, ANYONE],
    ['a mutation', { query: 'mutation ($n: Int!) { add(n: $n) }', variables: { n: 2 } }],
    ['one of several operations', { query: 'query A { later } query B { b: later }', operationName: 'B' }],
    ['a denied field', { query: '{ later secret }' }],
    ['the schema', { query: '{ __schema { queryType { name } } }' }],
  ])('for %s', async (_, body, { principal } = {}) => {
    if (own === undefined || apollos === undefined) throw new Error('The servers did not start.');
    // From the second request on, by a plan.
    for (const _time of [1, 2, 3]) {
      const [ours, theirs] = [await ask(own, body, principal), await ask(apollos, body, principal)];
      expect(ours).toEqual(theirs);
    }
  });

  it('for the same document with and without a denied field', async () => {
    if (own === undefined) throw new Error('The server did not start.');
    const query = '{ secret b: later }';
    const texts: string[] = [];
    for (const scope of ['read:tea', 'read:secrets', 'read:tea', 'read:secrets']) {
      texts.push((await ask(own, { query }, keyWith([scope]))).text);
    }
    const [denied, whole] = texts;
    expect(JSON.parse(whole ?? '')).toEqual({ data: { secret: 'secret', b: 1 } });
    expect(JSON.parse(denied ?? '')).toMatchObject({ data: { secret: null, b: 1 }, errors: [{ path: ['secret'] }] });
    expect(texts).toEqual([denied, whole, denied, whole]);
  });
});

test('executes an operation by its plan when its document is known', async () => {
  const server = await startedAs(optionsOf());
  const texts: string[] = [];
  for (const _time of [1, 2, 3]) texts.push((await ask(server, { query: '{ byPlan }' })).text);
  await server.stop();
  expect(texts.map((text) => JSON.parse(text).data.byPlan)).toEqual([false, true, true]);
});

test.each<[string, Own]>([
  ['by default', {}],
  ['with a plugin that sees no requests', { plugins: [{ serverWillStart: async () => undefined }] }],
  ['without a landing page', { plugins: [ApolloServerPluginLandingPageDisabled()] }],
])('executes operations %s', async (_, own) => {
  expect(await byApollo(await startedAs(optionsOf(own)))).toBe(false);
});

test.each<[string, () => Promise<ApolloServer<LatchkeyContext>>]>([
  ['a plugin sees requests', () => startedAs(optionsOf({ plugins: [idle] }))],
  [
    'a plugin that sees requests was added',
    async () => {
      const server = new ApolloServer<LatchkeyContext>(optionsOf());
      server.addPlugin(idle);
      await server.start();
      return server;
    },
  ],
  ['there is a root value', () => startedAs(optionsOf({ rootValue: {} }))],
  ['the options were copied', () => startedAs({ ...optionsOf() })],
  ['there is another resolver of fields', () => startedAs(Object.assign(optionsOf(), { fieldResolver: () => 1 }))],
  [
    'two servers have the same options',
    async () => {
      const options = optionsOf();
      void new ApolloServer<LatchkeyContext>(options);
      return startedAs(options);
    },
  ],
])('leaves the execution to Apollo Server if %s', async (_, start) => {
  expect(await byApollo(await start())).toBe(true);
});

test('formats errors with the option that Apollo Server was created with', async () => {
  const options = Object.assign(optionsOf(), { formatError: () => ({ message: 'Replaced.' }) }) as Options;
  const server = await startedAs(options);
  expect((await ask(server, { query: '{ rejected }' })).text).toContain('Replaced.');
  await server.stop();
});
