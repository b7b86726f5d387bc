import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphQLSchema } from 'graphql';
import type { LatchkeyContext } from '../../src/core/auth/principal.js';
import { guardSchema } from '../../src/core/guard/guard.js';
import { noting, ownSchema, serving, type OwnServer, type Ran } from './own.js';

let ran: Ran = [];
beforeEach(() => {
  ran = [];
});

const TYPE_DEFS = `
  interface Node { id: ID owner: String }
  type Order implements Node {
    id: ID
    owner: String
    total: Int!
    margin: Int @auth(scope: "read:margins")
    cost: Int! @auth(scope: "read:margins")
    user: User
    required: User!
    notes(hidden: Boolean @auth(scope: "read:notes")): [String]
  }
  type User implements Node { id: ID owner: String @auth(scope: "read:owners") email: String! @auth(scope: "read:emails") order: Order }
  type Secret implements Node @auth(scope: "read:secrets") { id: ID owner: String }
  union Found = Order | User | Secret
  input Filter { owner: String @auth(scope: "read:owners") text: String }
  type Query {
    order: Order @public
    orders(filter: Filter): [Order!]! @public
    found: [Found] @public
    nodes: [Node] @public
    strict: Int! @auth(scope: "read:strict")
    guarded: Int @auth(scope: "read:guarded")
    self: Query @public
  }
  type Mutation {
    act: Order @public
    other: Int @auth(scope: "write:other")
  }
  type Subscription { ticks: Int @auth(scope: "read:ticks") }`;

const ORDER = { id: 'o1', owner: 'a', total: 5, margin: 1, cost: 4, notes: ['n'] };
const USER = { id: 'u1', owner: 'b', email: 'b@example.com' };

function shop(): GraphQLSchema {
  const user = { ...USER, order: ORDER };
  const order = { ...ORDER, user, required: user };
  const typed = [
    { __typename: 'Order', ...order },
    { __typename: 'User', ...user },
  ];
  return guardSchema(
    ownSchema(TYPE_DEFS, {
      Query: noting(ran, 'Query', {
        order,
        orders: [order, { ...order, id: 'o2' }],
        found: typed,
        nodes: typed,
        strict: 1,
        guarded: 2,
        self: {},
      }),
      Order: noting(ran, 'Order', { margin: 1, cost: 4, user, required: user, notes: ['n'] }),
      User: noting(ran, 'User', { owner: 'b', email: 'b@example.com' }),
      Mutation: noting(ran, 'Mutation', { act: order, other: 1 }),
    }),
  );
}

const filtering = <T>(look: (server: OwnServer) => Promise<T>, plugins: ApolloServerPlugin<LatchkeyContext>[] = []) =>
  serving(shop(), look, { onDenied: 'filter', plugins });

/** The codes and paths of the errors. */
const errorsOf = ({ body }: { body: { errors?: { path?: unknown; extensions: { code: string } }[] } }) =>
  (body.errors ?? []).map(({ path, extensions }) => [extensions.code, path]);

describe('onDenied: filter', () => {
  it.each<[string, string, object, unknown[]]>([
    [
      'a nullable field',
      '{ order { id margin total } }',
      { order: { id: 'o1', margin: null, total: 5 } },
      [['FORBIDDEN', ['order', 'margin']]],
    ],
    [
      'an alias, and the order of the fields',
      '{ x: order { m: margin b: id n: margin } }',
      { x: { m: null, b: 'o1', n: null } },
      [
        ['FORBIDDEN', ['x', 'm']],
        ['FORBIDDEN', ['x', 'n']],
      ],
    ],
    [
      'all fields of an object',
      '{ order { margin } }',
      { order: { margin: null } },
      [['FORBIDDEN', ['order', 'margin']]],
    ],
    [
      'fields of list entries, with the path of each',
      '{ orders { id margin } }',
      {
        orders: [
          { id: 'o1', margin: null },
          { id: 'o2', margin: null },
        ],
      },
      [
        ['FORBIDDEN', ['orders', 0, 'margin']],
        ['FORBIDDEN', ['orders', 1, 'margin']],
      ],
    ],
    [
      'a field that can’t be null, with its parent',
      '{ order { id user { id email } } }',
      { order: { id: 'o1', user: null } },
      [['FORBIDDEN', ['order', 'user']]],
    ],
    [
      'a field whose parents can’t be null, with the first that can',
      '{ self { order { id required { email } } } guarded }',
      { self: { order: null }, guarded: null },
      [
        ['FORBIDDEN', ['self', 'order']],
        ['FORBIDDEN', ['guarded']],
      ],
    ],
    ['a root field', '{ order { id } guarded }', { order: { id: 'o1' }, guarded: null }, [['FORBIDDEN', ['guarded']]]],
    [
      'fields in fragments',
      '{ order { ...F ... on Order { n: margin } } } fragment F on Order { id margin ...G } fragment G on Node { owner }',
      { order: { id: 'o1', margin: null, owner: 'a', n: null } },
      [
        ['FORBIDDEN', ['order', 'margin']],
        ['FORBIDDEN', ['order', 'n']],
      ],
    ],
    [
      'a field of one type of an interface',
      '{ nodes { id ... on Order { owner } ... on User { owner } } }',
      {
        nodes: [
          { id: 'o1', owner: 'a' },
          { id: 'u1', owner: null },
        ],
      },
      [['FORBIDDEN', ['nodes', 1, 'owner']]],
    ],
    [
      'a field of a union below a type',
      '{ found { ... on Order { id user { owner } } ... on User { id owner } } }',
      {
        found: [
          { id: 'o1', user: { owner: null } },
          { id: 'u1', owner: null },
        ],
      },
      [
        ['FORBIDDEN', ['found', 0, 'user', 'owner']],
        ['FORBIDDEN', ['found', 1, 'owner']],
      ],
    ],
    [
      'a field with a guarded argument',
      '{ order { notes(hidden: true) open: notes } }',
      { order: { notes: null, open: ['n'] } },
      [['FORBIDDEN', ['order', 'notes']]],
    ],
  ])('leaves out %s', async (_, query, data, errors) => {
    await filtering(async (server) => {
      const answer = await server.query(query, ['read:other']);
      expect([answer.status, answer.body.data]).toEqual([200, data]);
      expect(Object.keys(JSON.parse(JSON.stringify(answer.body.data)) as object)).toEqual(Object.keys(data));
      expect(errorsOf(answer)).toEqual(errors);
      expect(answer.headers.get('cache-control')).toContain('private');
      for (const denied of ['Order.margin', 'User.email', 'User.owner', 'Query.guarded'])
        expect(ran).not.toContain(denied);
      ran.length = 0;
      const full = await server.query(query, ['read:all']);
      expect([full.status, full.body.errors]).toEqual([200, undefined]);
      expect(JSON.stringify(full.body.data)).not.toContain('null');
    });
  });

  it('keeps the selection through an interface for the types that allow it', async () => {
    await filtering(async (server) => {
      const answer = await server.query('{ nodes { id owner } }', ['read:secrets']);
      expect(answer.body.data.nodes).toEqual([
        { id: 'o1', owner: 'a' },
        { id: 'u1', owner: null },
      ]);
      expect(errorsOf(answer)).toEqual([['FORBIDDEN', ['nodes', 1, 'owner']]]);
      expect(ran).not.toContain('User.owner');
    });
  });

  it('says which scopes are missing at each path, and asks an anonymous caller to authenticate', async () => {
    await filtering(async (server) => {
      const { body } = await server.query('{ order { id margin } guarded }', ['read:guarded']);
      expect(body.errors).toEqual([
        {
          message: expect.stringContaining('lacks read:margins, required by Order.margin') as string,
          locations: [{ line: 1, column: 14 }],
          path: ['order', 'margin'],
          extensions: {
            code: 'FORBIDDEN',
            missing: ['read:margins'],
            fields: [{ coordinate: 'Order.margin', requires: [['read:margins']] }],
          },
        },
      ]);
      const anonymous = await server.query('{ order { id margin } }', null);
      expect([anonymous.status, anonymous.body.data]).toEqual([200, { order: { id: 'o1', margin: null } }]);
      expect(errorsOf(anonymous)).toEqual([['UNAUTHENTICATED', ['order', 'margin']]]);
    });
  });

  it('evaluates arguments and conditions with the variables of each request', async () => {
    await filtering(async (server) => {
      const query =
        'query ($f: Filter, $with: Boolean!) { orders(filter: $f) { id } order { id margin @include(if: $with) } }';
      const ask = async (variables: object) => server.query(query, ['read:other'], { variables });
      const orders = [{ id: 'o1' }, { id: 'o2' }];
      expect((await ask({ with: false })).body).toEqual({ data: { orders, order: { id: 'o1' } } });
      expect((await ask({ with: true })).body.data).toEqual({ orders, order: { id: 'o1', margin: null } });
      // orders can't be null, so the whole operation is refused.
      expect((await ask({ with: false, f: { owner: 'a' } })).status).toBe(403);
      expect((await ask({ with: false, f: { text: 'a' } })).body).toEqual({ data: { orders, order: { id: 'o1' } } });
    });
  });

  it.each([
    ['nothing remains', '{ guarded }', 403],
    ['nothing remains but empty fragments', '{ ...F } fragment F on Query { a: guarded b: guarded }', 403],
    ['a root field can’t be null', '{ order { id } strict }', 403],
    ['no parent can be null', '{ orders { cost } order { id } }', 403],
    ['a root field of a mutation is denied', 'mutation { act { id } other }', 403],
    ['it is a subscription', 'subscription { ticks }', 403],
  ])('refuses the whole operation if %s, and runs nothing', async (_, query, status) => {
    await filtering(async (server) => {
      const answer = await server.query(query, ['read:other']);
      expect([answer.status, answer.body.data]).toEqual([status, undefined]);
      expect((await server.query(query, null)).status).toBe(401);
      expect(ran).toEqual([]);
    });
  });

  it('leaves out fields below the root fields of a mutation', async () => {
    await filtering(async (server) => {
      const answer = await server.query('mutation { act { id margin } }', ['read:other']);
      expect([answer.status, answer.body.data]).toEqual([200, { act: { id: 'o1', margin: null } }]);
      expect(ran).toEqual(['Mutation.act']);
    });
  });

  it('costs only the fields that run', async () => {
    await serving(
      shop(),
      async (server) => {
        const guarded = Array.from({ length: 10 }, (_, i) => `g${i}: guarded`).join(' ');
        const left = async (query: string, scopes: readonly string[], family: string) =>
          Number(/r=(\d+)/.exec((await server.query(query, scopes, { family })).headers.get('ratelimit') ?? '')?.[1]);
        const some = await left(`{ order { id } ${guarded} }`, ['read:other'], 'a');
        const all = await left(`{ order { id } ${guarded} }`, ['read:all'], 'b');
        expect(some - all).toBe(9);
      },
      { onDenied: 'filter', clock: () => 0 },
    );
  });

  it('B32 does not answer with what a cache has for another caller', async () => {
    const cache = new Map<string, Record<string, unknown>>();
    const caching: ApolloServerPlugin<LatchkeyContext> = {
      requestDidStart: async () => ({
        responseForOperation: async ({ source, response }) => {
          const data = cache.get(source);
          return data === undefined ? null : { http: response.http, body: { kind: 'single', singleResult: { data } } };
        },
        willSendResponse: async ({ source, response: { body } }) => {
          if (body.kind === 'single' && body.singleResult.data != null) {
            cache.set(source, body.singleResult.data);
          }
        },
      }),
    };
    await filtering(
      async (server) => {
        const query = '{ order { id margin } }';
        expect((await server.query(query, ['read:margins'])).body.data.order.margin).toBe(1);
        const refused = await server.query(query, ['read:other']);
        expect([refused.status, refused.body.data]).toEqual([403, undefined]);
      },
      [caching],
    );
  });

  it('B40 refuses a fan-out of fragments entirely, in a short time', async () => {
    const fan = Array.from(
      { length: 30 },
      (_, i) => `fragment F${i} on Query { a${i}: self { ...F${i + 1} } b${i}: self { ...F${i + 1} } }`,
    );
    const query = `{ ...F0 } ${fan.join(' ')} fragment F30 on Query { guarded }`;
    await filtering(async (server) => {
      expect((await server.query(query, ['read:other'])).status).toBe(403);
      expect(ran).toEqual([]);
    });
  });

  it('refuses by default', async () => {
    await serving(shop(), async (server) => {
      expect((await server.query('{ order { id margin } }', ['read:other'])).status).toBe(403);
      expect(ran).toEqual([]);
    });
  });
});
