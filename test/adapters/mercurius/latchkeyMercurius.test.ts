import { makeExecutableSchema } from '@graphql-tools/schema';
import fastify from 'fastify';
import { parse, type GraphQLSchema } from 'graphql';
import mercurius from 'mercurius';
import { roomyContext } from '../../../src/adapters/mercurius/requestContexts.js';
import { ANONYMOUS, tierTable, type LatchkeyContext } from '../../../src/index.js';
import { latchkeyMercurius, type GuardedMercuriusOptions } from '../../../src/mercurius.js';
import { remaining } from '../ownServer.js';
import { SHOP, shopCases, shopResolvers } from '../shop.js';
import { startMercurius, type OwnMercurius } from './startMercurius.js';

const typeDefs = `${SHOP}
  extend type Query { me: String @public many: [Order] @auth(scope: "read:orders") }
  type Order { id: Int @public margin: Int @auth(scope: "read:margins") }
  type Subscription { ticks: Int @public }
`;
const ran: string[] = [];
const shop = shopResolvers(ran);
const resolvers = {
  ...shop,
  Query: {
    ...shop.Query,
    me: (_: unknown, __: object, { principal }: LatchkeyContext) => principal.kind,
    many: () => [{ id: 1, margin: 10 }],
  },
};

let own: OwnMercurius;
beforeAll(async () => {
  own = await startMercurius({ typeDefs, resolvers });
});
beforeEach(() => {
  ran.length = 0;
});
afterAll(() => own.close());

async function on(options: Parameters<typeof startMercurius>[0], look: (server: OwnMercurius) => Promise<void>) {
  const server = await startMercurius({ typeDefs, resolvers, ...options });
  try {
    await look(server);
  } finally {
    await server.close();
  }
}

describe('authorization', () => {
  shopCases({ server: () => own, ran, preflighted: 'mercurius-require-preflight' });

  it('refuses a subscription by POST, and runs nothing', async () => {
    const { status, body } = await own.query('subscription { ticks }');
    expect(status).toBe(400);
    expect(body.errors[0].extensions.code).toBe('BAD_REQUEST');
  });

  it.each([
    ['jit: 1', { jit: 1 }],
    ['jit with options', { jit: { minCount: 0, eluThreshold: 1 } }],
    ['no cache', { cache: false }],
  ] as const)('checks each request even with %s', async (_, mercurius) => {
    await on({ mercurius, latchkey: { introspection: 'scoped' } }, async (server) => {
      const token = await server.keyWith('read:orders');
      for (let i = 0; i < 5; i += 1) {
        expect((await server.query('{ many { id } }', { token })).body).toEqual({ data: { many: [{ id: 1 }] } });
        expect((await server.query('{ many { id margin } }', { token })).status).toBe(403);
        expect((await server.query('{ many { id margin } }')).body).toEqual({
          data: { many: [{ id: 1, margin: 10 }] },
        });
        expect(
          (await server.query('query ($a: Int) { orders(first: $a) }', { token, variables: { a: 'x' } })).status,
        ).toBe(400);
        const { body } = await server.query('{ __type(name: "Order") { fields { name } } }', { token });
        expect(body.data.__type.fields).toEqual([{ name: 'id' }]);
        // So that a compiled query can be used.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(ran.filter((name) => name === 'secret')).toEqual([]);
    });
  });

  it('combines the context of the user, who gets the principal and cannot replace it', async () => {
    const context = (_: unknown, __: unknown, { principal }: LatchkeyContext) => ({
      principal: { kind: 'forged' },
      seen: principal.kind,
    });
    const seen = {
      Query: {
        me: (_: unknown, __: object, given: LatchkeyContext & { seen: string }) =>
          `${given.seen} ${given.principal.kind}`,
      },
    };
    await on({ mercurius: { context }, resolvers: seen }, async (server) => {
      expect((await server.query('{ me }')).body).toEqual({ data: { me: 'key key' } });
      expect((await server.query('{ me }', { token: null })).body).toEqual({ data: { me: 'anonymous anonymous' } });
    });
  });

  it('guards reply.graphql of other routes by the context that they pass', async () => {
    const prepare = (app: OwnMercurius['app']) => {
      app.get('/bare', (_, reply) => reply.graphql('{ secret }', {}));
      app.get('/guarded', async (request, reply) =>
        reply.graphql('{ orders }', { ...(await context(request.headers)) }),
      );
    };
    let context: (headers: object) => Promise<LatchkeyContext> = () => Promise.reject(new Error('not started'));
    await on({ prepare }, async (server) => {
      context = (headers) => server.latchkey.context({ headers: headers as Record<string, string> });
      const at = async (path: string) =>
        (await fetch(new URL(path, server.url), { headers: { authorization: `Bearer ${server.token}` } })).text();
      expect(await at('/bare')).not.toMatch(/"secret":"s"/);
      expect(ran).toEqual([]);
      expect(JSON.parse(await at('/guarded'))).toEqual({ data: { orders: [1, 2] } });
    });
  });
});

describe('onDenied: filter', () => {
  it('refuses a denied operation of another route entirely, because its response is not completed', async () => {
    let principal: object = {};
    const prepare = (app: OwnMercurius['app']) =>
      app.get('/part', (_, reply) => reply.graphql('{ open secret }', { principal }));
    await on({ prepare, latchkey: { onDenied: 'filter' } }, async (server) => {
      const authorization = `Bearer ${await server.keyWith('read:orders')}`;
      ({ principal } = await server.latchkey.context({ headers: { authorization } }));
      const text = await (await fetch(new URL('/part', server.url))).text();
      expect(text).toContain('read:secrets');
      expect(text).not.toContain('"data"');
      expect(ran).toEqual([]);
    });
  });
});

describe('transport', () => {
  it('runs a query by GET, refuses a mutation by GET, and answers no HEAD', async () => {
    const headers = { authorization: `Bearer ${own.token}` };
    const query = await own.send({ headers }, `?query=${encodeURIComponent('{ orders }')}`);
    expect(query.body).toEqual({ data: { orders: [1, 2] } });
    ran.length = 0;
    const mutation = `?query=${encodeURIComponent('mutation { order }')}`;
    expect((await own.send({ headers }, mutation)).status).toBe(405);
    expect((await own.send({ headers, method: 'HEAD' }, mutation)).status).toBe(404);
    expect(ran).toEqual([]);
  });

  it('reads the variables of a GET request', async () => {
    const headers = { authorization: `Bearer ${own.token}` };
    const ask = (variables: string) =>
      own.send(
        { headers },
        `?${String(new URLSearchParams({ query: 'query ($id: ID!) { project(id: $id) { id } }', variables }))}`,
      );
    const { status: found, body } = await ask('{"id":"none"}');
    expect([found, body]).toEqual([200, { data: { project: null } }]);
    for (const variables of ['{}', '{"id":1.5}', '[]', 'x', '"x"', 'null']) {
      const { status, body: wrong } = await ask(variables);
      expect([variables, status, wrong.data ?? null]).toEqual([variables, 400, null]);
    }
  });

  it('refuses a syntax tree in place of a document, because the token limit would not apply to it', async () => {
    for (const source of [
      JSON.stringify(parse('{ open }', { noLocation: true })),
      JSON.stringify(parse('{ open }')),
      'null',
      '"x"',
    ]) {
      const { status, body } = await own.query(source);
      expect(status).toBe(400);
      expect(body.errors[0].extensions.code).toBe('GRAPHQL_PARSE_FAILED');
    }
    expect(ran).toEqual([]);
  });
});

describe('limits', () => {
  it('counts each request of a key exactly, also failed ones, and answers 429 at the limit', async () => {
    const tiers = tierTable({ GROWTH: { rate: 9, burst: 9 } });
    await on({ latchkey: { tiers } }, async (server) => {
      const json = { 'content-type': 'application/json', authorization: `Bearer ${server.token}` };
      const post = (body: string) => ({ method: 'POST', headers: json, body });
      const left: [number, number][] = [];
      for (const sent of [
        post('{"query":"{open}"}'),
        post('{"query":"{"}'),
        post('{"query":"{nothing}"}'),
        post('{"query":"query ($a: Int!) { orders(first: $a) }"}'),
        post('not JSON'),
        { ...post('<a/>'), headers: { ...json, 'content-type': 'text/xml' } },
        post('[{"query":"{open}"}]'),
        post('{"query":"query A {open} query B {open}"}'),
        post('{"query":"{open}","variables":[]}'),
      ]) {
        const { status, headers } = await server.send(sent);
        left.push([status, remaining(headers)]);
      }
      expect(left).toEqual([
        [200, 8],
        [400, 7],
        [400, 6],
        [400, 5],
        [400, 4],
        [415, 3],
        [400, 2],
        [400, 1],
        [400, 0],
      ]);
      expect((await server.query('{ open }')).status).toBe(429);
      expect(ran).toEqual(['open']);
    });
  });
});

describe('errors', () => {
  it('hides the error of a resolver, and logs it once', async () => {
    await on({}, async (server) => {
      const { status, body } = await server.query('{ open fails }');
      expect(status).toBe(200);
      expect(body.data).toEqual({ open: 1, fails: null });
      expect(body.errors[0].extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR' });
      expect(JSON.stringify(body)).not.toMatch(/hunter2|ECONN/);
      expect(server.told).toEqual([expect.objectContaining({ message: expect.stringMatching(/hunter2/) })]);
    });
  });

  it('hides an error of the context function, also when the error itself is formatted', async () => {
    const context = () => {
      throw new Error('hunter2');
    };
    await on({ mercurius: { context } }, async (server) => {
      const { status, body } = await server.query('{ open }');
      expect(status).toBe(500);
      expect(JSON.stringify(body)).not.toMatch(/hunter2/);
      expect(ran).toEqual([]);
    });
  });

  it('sends the result of formatError without keys, and its own error if formatError fails', async () => {
    let fails = false;
    const formatError = () => {
      if (fails) throw new Error('formatError failed');
      return { message: `Sorry, ${own.token}` };
    };
    await on({ mercurius: { formatError } }, async (server) => {
      expect((await server.query('{ says }')).body.errors[0].message).toBe('Sorry, [key]');
      fails = true;
      expect((await server.query('{ says }')).body.errors[0].message).toBe('There are no orders today.');
    });
  });
});

describe('start', () => {
  const start = async (options: object, schema: GraphQLSchema = own.schema) => {
    const app = fastify();
    try {
      await app.register(latchkeyMercurius, { latchkey: own.latchkey, schema, ...options } as GuardedMercuriusOptions);
      await app.ready();
    } finally {
      await app.close();
    }
  };

  it('fails for a schema that is not guarded', async () => {
    await expect(start({}, makeExecutableSchema({ typeDefs: 'type Query { a: Int }' }))).rejects.toThrow(/guard/);
    await expect(start({})).resolves.toBeUndefined();
  });

  it.each([
    ['resolvers', { resolvers: {} }],
    ['loaders', { loaders: {} }],
    ['subscription', { subscription: 'true' }],
    ['allowBatchedQueries', { allowBatchedQueries: true }],
    ['errorFormatter', { errorFormatter: () => ({}) }],
    ['errorHandler', { errorHandler: () => undefined }],
    ['graphql', { graphql: { parseOptions: {} } }],
    ['schemaTransforms', { schemaTransforms: [] }],
    ['schema', { schema: 'type Query { a: Int }' }],
    ['latchkey', { latchkey: {} }],
    ['csrfPrevention', { csrfPrevention: { allowedContentTypes: [] } }],
    ['"loader"', { loader: {} }],
  ])('fails with a TypeError that names the option %s', async (name, options) => {
    await expect(start(options)).rejects.toThrow(TypeError);
    await expect(start(options)).rejects.toThrow(name);
  });

  it.each(['defineResolvers', 'defineLoaders', 'extendSchema', 'replaceSchema'] as const)(
    'refuses an unguarded change by app.graphql.%s',
    async (name) => {
      const app = fastify();
      await app.register(latchkeyMercurius, { latchkey: own.latchkey, schema: own.schema });
      const change = app.graphql[name] as (given: unknown) => unknown;
      expect(() => change(makeExecutableSchema({ typeDefs: 'type Query { a: Int }' }))).toThrow();
      expect(app.graphql.schema).toBe(own.schema);
      await app.close();
    },
  );
});

// An object that V8 has turned into a hash table took Mercurius longer than the rest of the adapter.
test('the context already has all properties that Mercurius adds', async () => {
  const app = fastify();
  let added: string[] = [];
  await app.register(mercurius, {
    schema: 'type Query { open: Int }',
    resolvers: { Query: { open: (_: unknown, __: unknown, context: object) => void (added = Object.keys(context)) } },
  });
  await app.inject({ method: 'POST', url: '/graphql', payload: { query: '{ open }' } });
  await app.close();
  expect(added).toContain('reply');
  expect(Object.keys(roomyContext({ principal: ANONYMOUS }))).toEqual(expect.arrayContaining(added));
});
