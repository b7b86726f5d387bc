import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { buildSchema, graphql, parse, print, type GraphQLSchema } from 'graphql';
import { guardSchema, rulesOf } from '../../src/core/guard/guard.js';
import { readRules } from '../../src/core/guard/readRules.js';
import { ruleAt, type RuleOptions } from '../../src/core/guard/rules.js';
import { scopesOf } from '../../src/core/guard/requirement.js';
import { directiveTypeDefs } from '../../src/management/schema/typeDefs.js';
import { faultsOf, keyWith, serving, type Ran } from './own.js';

const FEDERATION = 'https://specs.apollo.dev/federation/v2.9';

const link = (imports: string, more = ''): string =>
  `extend schema @link(url: "${FEDERATION}", ${more} import: [${imports}])`;

/** A subgraph of Apollo's library. Its reference resolvers record their types. */
function subgraph(sdl: string, ran: Ran = [], types: readonly string[] = []): GraphQLSchema {
  const reference = (type: string) => ({
    __resolveReference: (of: object) => {
      ran.push(type);
      return { ...of, name: type, price: 5 };
    },
  });
  return buildSubgraphSchema([
    { typeDefs: parse(sdl), resolvers: Object.fromEntries(types.map((type) => [type, reference(type)])) },
  ]);
}

const requires = (schema: GraphQLSchema, coordinate: string, options: RuleOptions = {}) => {
  const rule = ruleAt(readRules(schema, { rootFields: 'public', ...options }), coordinate);
  return rule === undefined ? null : scopesOf(rule.requirement);
};

describe('the directives of federation', () => {
  const uses = (authenticated: string, scopes: string, policy: string) => `
    type Query {
      key: Int @${authenticated}
      all: Int @${scopes}(scopes: [["read:a", "read:b"]])
      any: Int @${scopes}(scopes: [["read:a"], ["read:b"]])
      policy: Int @${policy}(policies: [["read:c"]])
      both: Int @${scopes}(scopes: [["read:a"]]) @${policy}(policies: [["read:c"], ["admin"]])
      open: Int
    }`;
  const plain = ['"@authenticated"', '"@requiresScopes"', '"@policy"'].join(', ');
  const renamed = `{ name: "@authenticated", as: "@signedIn" }, { name: "@requiresScopes", as: "@needs" }, { name: "@policy", as: "@rule" }`;
  it.each([
    ['imported by their names', `${link(plain)} ${uses('authenticated', 'requiresScopes', 'policy')}`],
    ['imported by other names', `${link(renamed)} ${uses('signedIn', 'needs', 'rule')}`],
    [
      'not imported',
      `${link('"@key"')} ${uses('federation__authenticated', 'federation__requiresScopes', 'federation__policy')}`,
    ],
    [
      'with another prefix',
      `${link('"@key"', 'as: "fed",')} ${uses('fed__authenticated', 'fed__requiresScopes', 'fed__policy')}`,
    ],
  ])('%s: are read like @auth, and combine by AND', (_, sdl) => {
    const schema = subgraph(sdl);
    expect(requires(schema, 'Query.key')).toEqual([[]]);
    expect(requires(schema, 'Query.all')).toEqual([['read:a', 'read:b']]);
    expect(requires(schema, 'Query.any')).toEqual([['read:a'], ['read:b']]);
    expect(requires(schema, 'Query.policy')).toEqual([['read:c']]);
    expect(requires(schema, 'Query.both')).toEqual([
      ['read:a', 'read:c'],
      ['read:a', 'admin'],
    ]);
    expect(requires(schema, 'Query.open')).toBeNull();
  });

  const DECLARED = `
    scalar Named
    directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
    directive @requiresScopes(scopes: [[Named!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
    directive @policy(policies: [[Named!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
    directive @link(url: String, as: String, import: [String]) repeatable on SCHEMA`;

  it('are read without a link, and by the links of a supergraph', () => {
    expect(
      requires(buildSchema(`${DECLARED} ${uses('authenticated', 'requiresScopes', 'policy')}`), 'Query.all'),
    ).toEqual([['read:a', 'read:b']]);
    const supergraph = `${DECLARED.replace('@requiresScopes', '@scoped')}
      extend schema @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", as: "scoped")
      ${uses('authenticated', 'scoped', 'policy')}`;
    expect(requires(buildSchema(supergraph), 'Query.all')).toEqual([['read:a', 'read:b']]);
  });

  it('B01 on interfaces apply to every type that implements them, and on scalars and enums to fields', () => {
    // Newer versions of the specification don't allow them on interfaces.
    const schema = buildSchema(`${DECLARED}
      scalar Money @requiresScopes(scopes: [["read:money"]])
      enum Level @policy(policies: [["read:levels"]]) { LOW }
      interface Node @requiresScopes(scopes: [["read:nodes"]]) { id: ID name: String @requiresScopes(scopes: [["read:names"]]) }
      type A implements Node @requiresScopes(scopes: [["read:a"]]) { id: ID name: String price: Money level: Level }
      type B implements Node { id: ID name: String @policy(policies: [["read:b"]]) }
      type Query { node: Node a: A b: B }`);
    expect(requires(schema, 'A')).toEqual([['read:a', 'read:nodes']]);
    expect(requires(schema, 'B.id')).toEqual([['read:nodes']]);
    expect(requires(schema, 'B.name')).toEqual([['read:nodes', 'read:b', 'read:names']]);
    expect(requires(schema, 'A.price')).toEqual([['read:a', 'read:nodes', 'read:money']]);
    expect(requires(schema, 'A.level')).toEqual([['read:a', 'read:nodes', 'read:levels']]);
    expect(requires(schema, 'Query.node')).toEqual([['read:a', 'read:nodes'], ['read:nodes']]);
  });

  const faults = (sdl: string, options: RuleOptions = {}) =>
    faultsOf(() => guardSchema(subgraph(`${link(plain)} ${sdl}`), options));
  it.each([
    ['an empty list', 'type Query { a: Int @requiresScopes(scopes: []) }', /@requiresScopes\(scopes:\) has no scopes/],
    ['an empty inner list', 'type Query { a: Int @requiresScopes(scopes: [[]]) }', /empty or invalid list/],
    [
      'a flat list',
      'type Query { a: Int @policy(policies: ["read:a", "read:b"]) }',
      /@policy\(policies:\) .*ambiguous/,
    ],
    [
      'a scope of another form',
      'type Query { a: Int @requiresScopes(scopes: [["openid"]]) }',
      /"openid" is not a valid/,
    ],
    ['an unknown action', 'type Query { a: Int @requiresScopes(scopes: [["profile:read"]]) }', /action "profile"/],
    [
      'a policy that is no scope',
      'type Query { a: Int @policy(policies: [["Support staff"]]) }',
      /^Query\.a: the policy "Support staff" can't be checked, because Latchkey reads it as a scope\./,
    ],
    [
      '@public beside it',
      'directive @public on FIELD_DEFINITION type Query { a: Int @public @authenticated }',
      /contradict/,
    ],
    [
      'a scalar that no field returns',
      'scalar M @authenticated type Query { a(m: M): Int @authenticated }',
      /no effect/,
    ],
  ])('refuses to start for %s', (_, sdl, message) => {
    const found = faults(sdl);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  it('allows other actions by the same option', () => {
    expect(
      faults('type Query { a: Int @requiresScopes(scopes: [["profile:read"]]) }', { actions: ['profile'] }),
    ).toEqual([]);
  });

  it('B04 refuses directives that look like them, and imports as @auth or @public', () => {
    const start = (sdl: string) => faultsOf(() => guardSchema(buildSchema(sdl), { rootFields: 'public' }));
    expect(
      start('directive @policy(name: String) on FIELD_DEFINITION type Query { a: Int @policy(name: "x") }'),
    ).toEqual(
      expect.arrayContaining([expect.stringMatching(/^@policy looks like @policy of the Federation specification/)]),
    );
    const unlinked = 'scalar federation__Scope directive @needs(scopes: [[federation__Scope!]!]!) on FIELD_DEFINITION';
    expect(start(`${unlinked} type Query { a: Int @needs(scopes: [["read:a"]]) }`)).toEqual([
      expect.stringContaining('@needs is declared and looks like a guard'),
    ]);
    const asAuth = subgraph(`${link('{ name: "@authenticated", as: "@public" }')} type Query { a: Int @public }`);
    expect(faultsOf(() => guardSchema(asAuth))[0]).toBe(
      'schema: @link imports a directive as @public, which is a directive of Latchkey. Use another name.',
    );
  });

  it('accept root fields without a rule only by an option, which can require a key', () => {
    const sdl =
      'type Query { open: Int guarded: Int @requiresScopes(scopes: [["read:a"]]) } type Mutation { act: Int }';
    expect(faults(sdl)).toEqual([
      expect.stringContaining('Query.open: a root field needs'),
      expect.stringContaining('Mutation.act: a root field needs'),
    ]);
    const schema = subgraph(`${link(plain)} ${sdl}`);
    expect(requires(schema, 'Mutation.act', { rootFields: 'authenticated' })).toEqual([[]]);
    expect(requires(schema, 'Mutation.act', { rootFields: 'public' })).toBeNull();
    expect(requires(guardSchema(schema, { rootFields: 'public' }), 'Query.guarded')).toEqual([['read:a']]);
    expect(rulesOf(schema).fields.get('Mutation')).toBeUndefined();
    expect(() => guardSchema(schema, { rootFields: 'open' as 'public' })).toThrow(
      'rootFields is "open". Allowed: refuse, authenticated, public.',
    );
  });
});

const SHOP = `${link('"@key", "@requiresScopes"')}
  interface Media @key(fields: "id") { id: ID! name: String }
  type Book implements Media @key(fields: "id") @requiresScopes(scopes: [["read:books"]]) { id: ID! name: String }
  type Film implements Media @key(fields: "id") { id: ID! name: String }
  type Product @key(fields: "id") { id: ID! name: String price: Int @requiresScopes(scopes: [["read:prices"]]) }
  directive @public on FIELD_DEFINITION
  type Query { product: Product @public }`;

describe('B20 a subgraph of @apollo/subgraph', () => {
  let ran: Ran = [];
  const shop = (): GraphQLSchema => {
    ran = [];
    const schema = subgraph(SHOP, ran, ['Book', 'Film', 'Product']);
    const media = schema.getType('Media') as unknown as { resolveType: unknown };
    media.resolveType = ({ id }: { id: string }) => (id.startsWith('b') ? 'Book' : 'Film');
    return guardSchema(schema);
  };
  const of = 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Product { name } } }';
  const product = { __typename: 'Product', id: 'p1' };
  const book = { __typename: 'Book', id: 'b1' };

  it.each<[string, string, object]>([
    ['a variable', of, { r: [product, book] }],
    ['a variable in a list', of.replace('$r: [_Any!]!', '$r: _Any!').replace(': $r)', ': [$r])'), { r: book }],
    ['a literal', of.replace('($r: [_Any!]!)', '').replace('$r', '[{ __typename: "Book", id: "b1" }]'), {}],
    ['an enum in a literal', of.replace('($r: [_Any!]!)', '').replace('$r', '[{ __typename: Book, id: "b1" }]'), {}],
    [
      'a variable as the name',
      of.replace('$r: [_Any!]!', '$n: String').replace('$r', '[{ __typename: $n, id: "b1" }]'),
      { n: 'Book' },
    ],
    ['a list as the name', of, { r: [{ __typename: ['Book'], id: 'b1' }] }],
    ['an interface that is a book', of, { r: [{ __typename: 'Media', id: 'b1' }] }],
  ])('does not load a guarded entity by %s without its scope', async (title, query, variables) => {
    await serving(shop(), async (server) => {
      const refused = await server.query(query, ['read:other'], { variables });
      const [error] = refused.body.errors;
      expect(error.extensions).toMatchObject({ code: 'FORBIDDEN', missing: ['read:books'] });
      // The type behind an interface is known only when it runs.
      expect(refused.status).toBe(title.startsWith('an interface') ? 200 : 403);
      expect(ran).toEqual([]);
      const allowed = await server.query(query, ['read:books'], { variables });
      // These two load it, and then fail or return it for the interface.
      if (!/^an interface|^a list/.test(title)) expect(allowed.body.errors).toBeUndefined();
      expect(ran).toContain('Book');
    });
  });

  it('loads other entities with any key, and checks their fields', async () => {
    await serving(shop(), async (server) => {
      const variables = { r: [product] };
      expect((await server.query(of, null, { variables })).status).toBe(401);
      expect(ran).toEqual([]);
      const { body } = await server.query(of, ['read:other'], { variables });
      expect(body).toEqual({ data: { _entities: [{ __typename: 'Product', name: 'Product' }] } });
      const priced = of.replace('{ name }', '{ price }');
      ran.length = 0;
      expect((await server.query(priced, ['read:other'], { variables })).status).toBe(403);
      expect(ran).toEqual([]);
      expect((await server.query(priced, ['read:prices'], { variables })).body.data._entities[0].price).toBe(5);
    });
  });

  it('refuses in the resolvers too, without the plugin', async () => {
    const schema = shop();
    const ask = (scopes: readonly string[]) =>
      graphql({
        schema,
        source: of,
        variableValues: { r: [product, book] },
        contextValue: { principal: keyWith(scopes) },
      });
    const { data, errors } = await ask(['read:other']);
    expect([data, errors?.[0]?.extensions.code]).toEqual([null, 'FORBIDDEN']);
    expect(ran).toEqual([]);
    expect((await ask(['read:books'])).errors).toBeUndefined();
    expect(ran).toEqual(['Product', 'Book']);
  });

  it.each([
    ['on', null, 200],
    ['authenticated', null, 401],
    ['authenticated', ['read:other'], 200],
    ['scoped', ['read:other'], 403],
    ['scoped', ['read:all'], 200],
    ['off', ['admin'], 403],
  ] as const)('gives its SDL like introspection: %s, %j, %i', async (introspection, scopes, status) => {
    await serving(
      shop(),
      async (server) => {
        const answer = await server.query('{ a: _service { b: sdl } ...F } fragment F on Query { __typename }', scopes);
        expect(answer.status).toBe(status);
        if (status === 200) expect(answer.body.data.a.b).toContain('type Product');
        else expect(JSON.stringify(answer.body)).not.toContain('Product');
      },
      { introspection },
    );
  });

  it('has no fields with these names unless it is one', () => {
    const own = buildSchema('directive @public on FIELD_DEFINITION type Query { _service: Int _entities: Int }');
    expect(faultsOf(() => guardSchema(own))).toHaveLength(2);
  });
});

describe('composition', () => {
  const latchkey = `
    @link(url: "https://latchkey.example/latchkey/v0.1", import: ["@auth", "@public"])
    @composeDirective(name: "@auth") @composeDirective(name: "@public")`;
  const orders = parse(`
    extend schema @link(url: "${FEDERATION}", import: ["@key", "@composeDirective", "@requiresScopes"]) ${latchkey}
    ${print(directiveTypeDefs())}
    type Order @key(fields: "id") { id: ID! margin: Int @auth(scope: [["read:margins", "read:orders"]]) }
    type Query {
      orders(deleted: Boolean @auth(scope: "read:deleted")): [Order!] @auth(scope: "read:orders")
      opening: String @public
      stock: Int @requiresScopes(scopes: [["read:stock"]])
    }`);
  const users = parse(`
    extend schema @link(url: "${FEDERATION}", import: ["@key", "@composeDirective"]) ${latchkey}
    ${print(directiveTypeDefs())}
    type Order @key(fields: "id") { id: ID! user: String @auth(scope: "read:users") }
    type Query { users: [String!] @auth(scope: "read:users") }`);

  it('keeps @auth and @public in the supergraph, where they are read again', () => {
    const { supergraphSdl, errors } = composeServices(
      [
        { name: 'orders', typeDefs: orders, url: 'http://orders.example/' },
        { name: 'users', typeDefs: users, url: 'http://users.example/' },
      ],
      {},
    );
    expect(errors).toBeUndefined();
    const schema = buildSchema(supergraphSdl ?? '', { assumeValidSDL: true });
    expect(requires(schema, 'Order.margin', { rootFields: 'refuse' })).toEqual([['read:margins', 'read:orders']]);
    expect(requires(schema, 'Order.user')).toEqual([['read:users']]);
    expect(requires(schema, 'Query.orders(deleted:)')).toEqual([['read:deleted']]);
    expect(requires(schema, 'Query.stock')).toEqual([['read:stock']]);
  });
});
