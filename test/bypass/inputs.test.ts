import type { GraphQLSchema } from 'graphql';
import { guardSchema } from '../../src/core/guard/guard.js';
import { noting, ownSchema, serving, type OwnServer, type Ran } from './own.js';

let ran: Ran = [];
beforeEach(() => {
  ran = [];
});

const TYPE_DEFS = `
  enum Rank @auth(scope: "read:ranks") { LOW HIGH }
  scalar Money @auth(scope: "read:money")
  type Order { id: ID total: Money rank: Rank notes(hidden: Boolean @auth(scope: "read:notes")): [String] }
  input Who @oneOf { id: ID name: String @auth(scope: "read:names") }
  input Filter { text: String owner: String @auth(scope: "read:owners") all: [Filter!] who: Who rank: Rank }
  input Plain { text: String inner: Plain }
  directive @within(filter: Filter) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT | QUERY | FRAGMENT_DEFINITION
  type Query {
    order: Order @public
    orders(
      first: Int = 10
      deleted: Boolean @auth(scope: "read:deleted")
      filter: Filter
      filters: [[Filter]]
      plain: Plain
      preset: Filter = { owner: "us" }
    ): [ID] @public
    mine(deleted: Boolean = false @auth(scope: "read:deleted")): [ID] @auth(scope: "read:orders")
  }
  type Mutation {
    add(id: ID, price: Int @auth(scope: "write:prices")): ID @auth(scope: "write:orders")
  }`;

function shop(): GraphQLSchema {
  return guardSchema(
    ownSchema(TYPE_DEFS, {
      Query: noting(ran, 'Query', { orders: [], mine: [], order: { id: 'o1', total: 5, rank: 'LOW', notes: ['a'] } }),
      Order: noting(ran, 'Order', { notes: ['a'] }),
      Mutation: noting(ran, 'Mutation', { add: 'o1' }),
    }),
  );
}

type Case = [title: string, query: string, variables?: object];

/** Sends an operation without the scope, which must run nothing, and with it, which must run. */
async function onlyWith(server: OwnServer, scope: string, [, query, variables = {}]: Case, others: string[] = []) {
  const refused = await server.query(query, ['read:other', ...others], { variables });
  expect(refused.status).toBe(403);
  expect(refused.body.errors[0].extensions).toMatchObject({ code: 'FORBIDDEN', missing: [scope] });
  if (others.length === 0) expect((await server.query(query, null, { variables })).status).toBe(401);
  expect(ran).toEqual([]);
  const allowed = await server.query(query, [scope, ...others], { variables });
  expect([allowed.status, allowed.body.errors]).toEqual([200, undefined]);
  expect(ran).not.toEqual([]);
}

describe('B03 a rule of an argument', () => {
  it.each<Case>([
    ['a literal', '{ orders(deleted: true) }'],
    ['a literal equal to what absence means', '{ orders(deleted: false) }'],
    ['an explicit null', '{ orders(deleted: null) }'],
    ['a variable', 'query ($d: Boolean) { orders(deleted: $d) }', { d: true }],
    ['a variable that is null', 'query ($d: Boolean) { orders(deleted: $d) }', { d: null }],
    ['a required variable', 'query ($d: Boolean!) { orders(deleted: $d) }', { d: false }],
    ['the default of a variable', 'query ($d: Boolean = false) { orders(deleted: $d) }'],
    ['a fragment', '{ ...F } fragment F on Query { x: orders(deleted: true) }'],
    ['a second alias', '{ a: orders b: orders(deleted: true) }'],
  ])('applies to %s', (...one) => serving(shop(), (server) => onlyWith(server, 'read:deleted', one)));

  it.each<Case>([
    ['no argument', '{ orders }'],
    ['a variable that is not given', 'query ($d: Boolean) { orders(deleted: $d) }'],
    ['another variable of that name', 'query ($d: Boolean, $f: Int) { orders(deleted: $d, first: $f) }', { f: 1 }],
    [
      'a field that is skipped',
      'query ($d: Boolean) { order { id } orders(deleted: $d) @skip(if: true) }',
      { d: true },
    ],
    ['another operation', 'query A { orders } query B { orders(deleted: true) }'],
  ])('needs nothing for %s', async (...one) =>
    serving(shop(), async (server) => {
      const [, query, variables = {}] = one;
      const operationName = query.startsWith('query A') ? { operationName: 'A' } : {};
      const answer = await server.query(query, null, { variables, ...operationName });
      expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
    }),
  );

  it('applies together with the rule of its field, and not to the default in the schema', async () => {
    await serving(shop(), async (server) => {
      expect((await server.query('{ mine }', ['read:orders'])).status).toBe(200);
      expect((await server.query('{ mine(deleted: true) }', ['read:deleted'])).status).toBe(403);
      ran.length = 0;
      await onlyWith(server, 'read:deleted', ['', '{ mine(deleted: true) }'], ['read:orders']);
    });
  });

  it('applies below the root, and to mutations before any field of them runs', async () => {
    await serving(shop(), async (server) => {
      await onlyWith(server, 'read:notes', ['', '{ order { notes(hidden: true) } }']);
      expect((await server.query('{ order { notes } }', null)).status).toBe(200);
      ran.length = 0;
      const add = 'mutation { a: add(id: 1) b: add(id: 2, price: 3) }';
      await onlyWith(server, 'write:prices', ['', add], ['write:orders']);
      expect((await server.query('mutation { add(id: 1) }', ['write:orders'])).status).toBe(200);
    });
  });
});

describe('B03 a rule of an input field', () => {
  it.each<Case>([
    ['a literal', '{ orders(filter: { owner: "a" }) }'],
    ['a null', '{ orders(filter: { owner: null }) }'],
    ['a nested literal', '{ orders(filter: { all: [{ text: "a" }, { all: { owner: "b" } }] }) }'],
    ['a list of lists', '{ orders(filters: [[{ text: "a" }], [{ owner: "b" }]]) }'],
    ['a variable', 'query ($f: Filter) { orders(filter: $f) }', { f: { owner: 'a' } }],
    ['a variable with a null', 'query ($f: Filter) { orders(filter: $f) }', { f: { owner: null } }],
    [
      'a variable with it at some depth',
      'query ($f: Filter) { orders(filter: $f) }',
      { f: { all: [{}, { all: [{ owner: '' }] }] } },
    ],
    ['one object for a list', 'query ($f: Filter) { orders(filter: $f) }', { f: { all: { owner: 'a' } } }],
    ['a variable in a literal', 'query ($o: String) { orders(filter: { owner: $o }) }', { o: 'a' }],
    ['a variable in a list', 'query ($f: Filter!) { orders(filter: { all: [$f] }) }', { f: { owner: 'a' } }],
    ['a variable for a list', 'query ($f: [Filter!]) { orders(filter: { all: $f }) }', { f: [{ owner: 'a' }] }],
    ['the default of a variable', 'query ($f: Filter = { owner: "a" }) { orders(filter: $f) }'],
    ['an argument of a directive', 'query ($f: Filter) { orders @within(filter: $f) }', { f: { owner: 'a' } }],
    ['an operation’s directive', 'query @within(filter: { owner: "a" }) { orders }'],
    ['a fragment’s directive', '{ ...F } fragment F on Query @within(filter: { owner: "a" }) { orders }'],
  ])('applies to %s', (...one) => serving(shop(), (server) => onlyWith(server, 'read:owners', one)));

  it.each<Case>([
    ['a literal', '{ orders(filter: { who: { name: "a" } }) }'],
    ['a variable', 'query ($n: String!) { orders(filter: { who: { name: $n } }) }', { n: 'a' }],
    ['a variable of that type', 'query ($w: Who) { orders(filter: { who: $w }) }', { w: { name: 'a' } }],
  ])('applies to %s of an input with @oneOf', (...one) =>
    serving(shop(), async (server) => {
      await onlyWith(server, 'read:names', one);
      const other = await server.query('query ($w: Who) { orders(filter: { who: $w }) }', null, {
        variables: { w: { id: '1' } },
      });
      expect([other.status, other.body.errors]).toEqual([200, undefined]);
    }),
  );

  it.each<Case>([
    ['absence', '{ orders(filter: { text: "owner" }) }'],
    ['a default in the schema', '{ orders(preset: {}) x: orders }'],
    ['a variable that is not given', 'query ($o: String) { orders(filter: { owner: $o }) }'],
    ['a variable without it', 'query ($f: Filter) { orders(filter: $f) }', { f: { all: [{ text: 'a' }] } }],
    ['a default that the variable replaces', 'query ($f: Filter = { owner: "a" }) { orders(filter: $f) }', { f: {} }],
    ['a null in its place', 'query ($f: Filter) { orders(filter: $f) }', { f: null }],
    ['an enum that is guarded for reading', '{ orders(filter: { rank: LOW }) }'],
  ])('needs nothing for %s', async (...one) =>
    serving(shop(), async (server) => {
      const [, query, variables = {}] = one;
      const answer = await server.query(query, null, { variables });
      expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
    }),
  );

  it('needs all missing scopes of one operation in one refusal', async () => {
    await serving(shop(), async (server) => {
      const query = 'query ($f: Filter, $d: Boolean) { orders(filter: $f, deleted: $d) }';
      const variables = { f: { owner: 'a', who: { name: 'b' } }, d: true };
      const { body } = await server.query(query, ['read:other'], { variables });
      expect(body.errors[0].extensions.missing).toEqual(['read:deleted', 'read:names', 'read:owners']);
      const coordinates = body.errors[0].extensions.fields.map(({ coordinate }: { coordinate: string }) => coordinate);
      expect(coordinates.sort()).toEqual(['Filter.owner', 'Query.orders(deleted:)', 'Who.name']);
      expect(ran).toEqual([]);
      const some = await server.query(query, ['read:owners'], { variables });
      expect(some.body.errors[0].extensions.missing).toEqual(['read:deleted', 'read:names']);
      expect((await server.query(query, ['read:all'], { variables })).status).toBe(200);
    });
  });
});

describe('B03 a rule of a scalar or an enum', () => {
  it('applies to the fields that return it', async () => {
    await serving(shop(), async (server) => {
      for (const [scope, query] of [
        ['read:money', '{ order { total } }'],
        ['read:ranks', '{ order { rank } }'],
      ] as const) {
        ran.length = 0;
        expect((await server.query(query, ['read:other'])).status).toBe(403);
        expect(ran).toEqual([]);
        expect((await server.query(query, [scope])).status).toBe(200);
      }
      expect((await server.query('{ order { id } }', null)).status).toBe(200);
    });
  });
});
