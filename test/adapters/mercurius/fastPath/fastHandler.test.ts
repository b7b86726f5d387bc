import type { FastifyInstance } from 'fastify';
import type { MercuriusContext } from 'mercurius';
import type { LatchkeyContext } from '../../../../src/index.js';
import { SHOP, shopResolvers } from '../../shop.js';
import { startMercurius, type OwnMercurius, type OwnMercuriusOptions } from '../startMercurius.js';

const typeDefs = `${SHOP}
  extend type Query {
    context: [String!]! @public
    later(n: Int): Int @public
    many: [Order] @auth(scope: "read:orders")
    named: String @public
    pushes: Int @public
  }
  type Order { id: Int @public margin: Int @auth(scope: "read:margins") must: Int! @public }
`;
type Context = MercuriusContext & LatchkeyContext;

/** Mercurius sets its hooks in the context of the requests that it processes itself. */
let byMercurius: boolean[] = [];
const shop = shopResolvers([]);
const resolvers = {
  ...shop,
  Query: {
    ...shop.Query,
    open: (_: unknown, __: unknown, context: Context & { preExecution?: unknown }) => {
      byMercurius.push(context.preExecution != null);
      return 1;
    },
    context: (_: unknown, __: unknown, given: Context & Record<string, unknown>) => {
      const { reply, app, pubsub, errors, __currentQuery } = given;
      const { request } = reply as unknown as { request: { url: string } };
      return [request.url, typeof app.graphql, typeof pubsub, String(errors), __currentQuery];
    },
    later: async (_: unknown, { n }: { n?: number }) => n ?? 0,
    many: () => [{ id: 1, margin: 10 }],
    named: (source: unknown) => JSON.stringify(source),
    pushes: (_: unknown, __: unknown, context: { errors: unknown }) => {
      context.errors = [new Error('Pushed.')];
      return 1;
    },
  },
};

const start = (options: OwnMercuriusOptions = {}) => startMercurius({ typeDefs, resolvers, ...options });

/** A hook of Mercurius, which must see each request. */
const withHook = (app: FastifyInstance) => app.graphql.addHook('onResolution', async () => undefined);

async function on(options: OwnMercuriusOptions, look: (server: OwnMercurius) => Promise<void>) {
  const server = await start(options);
  try {
    await look(server);
  } finally {
    await server.close();
  }
}

beforeEach(() => {
  byMercurius = [];
});

describe('the responses to known documents', () => {
  let fast: OwnMercurius;
  let slow: OwnMercurius;
  const tokens = new Map<OwnMercurius, string>();
  beforeAll(async () => {
    const latchkey = { onDenied: 'filter', introspection: 'scoped' } as const;
    fast = await start({ latchkey });
    slow = await start({ latchkey, prepare: withHook });
    for (const server of [fast, slow]) tokens.set(server, await server.keyWith('read:orders', 'write:orders'));
  });
  afterAll(async () => {
    await fast.close();
    await slow.close();
  });

  const NAMED = 'query A { open } query B { named } mutation C { order }';
  it.each<[string, string, { variables?: object; operationName?: string; token?: null }?]>([
    ['data', '{ open orders named }'],
    ['a mutation', 'mutation { order }'],
    ['a promise', '{ later(n: 3) }'],
    ['variables', 'query ($n: Int) { later(n: $n) }', { variables: { n: 4 } }],
    ['no variables', 'query ($n: Int = 2) { later(n: $n) }', {}],
    ['wrong variables', 'query ($n: Int) { later(n: $n) }', { variables: { n: 'x' } }],
    ['one of several operations', NAMED, { operationName: 'B' }],
    ['an unknown operation', NAMED, { operationName: 'D' }],
    ['no operation of several', NAMED],
    ['an unexpected error', '{ open fails }'],
    ['an error of the domain', '{ says }'],
    ['a null in a place that must not be null', '{ many { id must } }'],
    ['an error that a resolver puts into the context', '{ pushes }'],
    ['denied fields', '{ many { id margin } open secret }'],
    ['nothing but denied fields', '{ secret }'],
    ['a caller without a key', '{ open }', { token: null }],
    ['a caller without a key who needs one', '{ orders }', { token: null }],
    ['introspection', '{ __type(name: "Order") { fields { name } } open }'],
    ['the context', '{ context }'],
  ])('are those of Mercurius: %s', async (_, query, more = {}) => {
    const both = [];
    for (const server of [fast, slow]) {
      const token = more.token === null ? null : (tokens.get(server) ?? '');
      await server.query(query, { ...more, token });
      const { status, headers, body } = await server.query(query, { ...more, token });
      const names = [...headers.keys()].filter((name) => name !== 'date');
      const fields = ['content-type', 'cache-control', 'content-length', 'ratelimit-policy', 'www-authenticate'];
      // As text, because the order of the properties is the same, too.
      both.push({ status, text: JSON.stringify(body), names, fields: fields.map((name) => headers.get(name)) });
    }
    expect(both[0]).toEqual(both[1]);
  });

  it('come from the fast path', async () => {
    for (const server of [fast, slow]) for (let i = 0; i < 3; i += 1) await server.query('{ open }');
    expect(byMercurius.slice(-5)).toEqual([false, false, true, true, true]);
  });
});

it('sends unusual requests through Mercurius', async () => {
  await on({}, async (server) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${server.token}` };
    for (let i = 0; i < 2; i += 1) {
      await server.send({ headers }, `?query=${encodeURIComponent('{ open }')}`);
      const body = JSON.stringify({ query: '{ open }', extensions: {} });
      await server.send({ method: 'POST', headers, body });
    }
    expect(byMercurius).toEqual([true, true, true, true]);
  });
});

it.each([
  ['jit', { jit: 1 }],
  ['cache', { cache: false }],
  ['persistedQueries', { persistedQueries: { '1': '{ open }' } }],
])('leaves each request to Mercurius with %s', async (_, mercurius) => {
  await on({ mercurius }, async (server) => {
    for (let i = 0; i < 2; i += 1) await server.query('{ open }');
    expect(byMercurius).toEqual([true, true]);
  });
});

it("runs a hook of Mercurius that is added later, and Fastify's hooks, for each request", async () => {
  const seen: string[] = [];
  const note = (name: string) => async () => void seen.push(name);
  const mercurius = {
    additionalRouteOptions: { preHandler: note('preHandler'), onSend: note('onSend') },
  } as OwnMercuriusOptions['mercurius'];
  await on({ ...(mercurius && { mercurius }) }, async (server) => {
    for (let i = 0; i < 2; i += 1) await server.query('{ open }');
    server.app.graphql.addHook('onResolution', note('onResolution'));
    await server.query('{ open }');
    expect(byMercurius).toEqual([true, false, true]);
    expect(seen).toEqual(
      [...Array<string[]>(2).fill(['preHandler', 'onSend']), ['preHandler', 'onResolution', 'onSend']].flat(),
    );
  });
});

it('runs hooks that another plugin has added to the route, before the key is checked', async () => {
  let seen = 0;
  const limit = async () => void (seen += 1);
  const before = (app: FastifyInstance): unknown =>
    app.addHook('onRoute', (route) => {
      route.onRequest = [...[route.onRequest ?? []].flat(), limit];
    });
  await on({ before }, async (server) => {
    for (let i = 0; i < 2; i += 1) expect((await server.query('{ open }')).status).toBe(200);
    expect((await server.query('{ open }', { token: 'wrong' })).status).toBe(401);
    expect(seen).toBe(3);
    expect(byMercurius).toEqual([true, false]);
  });
});

it('calls the context function once for each request, even for one that is refused or fails', async () => {
  let calls = 0;
  const context = async (_: unknown, __: unknown, { principal }: LatchkeyContext) => {
    calls += 1;
    if (calls > 6) throw new Error('The context fails.');
    return { seen: principal.kind };
  };
  await on({ mercurius: { context } }, async (server) => {
    const token = await server.keyWith('read:orders');
    calls = 0;
    for (let i = 0; i < 2; i += 1) {
      expect((await server.query('{ open orders }', { token })).status).toBe(200);
      expect((await server.query('{ secret }', { token })).status).toBe(403);
      expect((await server.query('{ fails }', { token })).body.errors).toHaveLength(1);
    }
    expect(calls).toBe(6);
    expect(byMercurius).toEqual([true, false]);
    const { status, body } = await server.query('{ open orders }', { token });
    expect({ status, calls, data: body.data }).toEqual({ status: 500, calls: 7, data: undefined });
  });
});

it('validates a document again after the schema was replaced', async () => {
  await on({}, async (server) => {
    const other = await start({
      typeDefs: 'extend type Query { other: Int @public }',
      resolvers: { Query: { other: () => 2 } },
    });
    try {
      for (let i = 0; i < 2; i += 1) expect((await server.query('{ open }')).status).toBe(200);
      server.app.graphql.replaceSchema(other.schema);
      for (let i = 0; i < 2; i += 1) expect((await server.query('{ open }')).status).toBe(400);
      for (let i = 0; i < 2; i += 1) expect((await server.query('{ other }')).body).toEqual({ data: { other: 2 } });
    } finally {
      await other.close();
    }
  });
});
