import { startGateway, UNLIMITED, yogaUpstream, type TestGateway, type TestUpstream } from '../../support/gateway.js';

const typeDefs = /* GraphQL */ `
  interface Node {
    id: ID!
  }
  type Query {
    found: Found
    node(id: ID!): Node
    order: Order
  }
  union Found = Product | Order
  type Product implements Node {
    id: ID!
    name: String
  }
  type Order implements Node {
    id: ID!
    total: Int
  }
`;
const ORDER = { __typename: 'Order', id: '1', total: 7 };
const PRODUCT = { __typename: 'Product', id: '2', name: 'Lamp' };
const resolvers = {
  Query: {
    found: () => ORDER,
    node: (_: unknown, { id }: { id: string }) => (id === '1' ? ORDER : PRODUCT),
    order: () => ORDER,
  },
};

let upstream: TestUpstream;
let gateway: TestGateway;
let keys: Record<'other' | 'reader', string>;
beforeAll(async () => {
  upstream = await yogaUpstream({ typeDefs, resolvers });
  gateway = await startGateway(upstream.url, {
    policy: 'Query.*: public\nOrder: read:orders\n',
    tiers: UNLIMITED,
    env: { GATEWAY_CHECK_INTERVAL: '0' },
  });
  keys = { other: await gateway.key('read:users'), reader: await gateway.key('read:orders') };
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

// In the upstream, nothing refuses a value by its type (B20).
describe.each([
  ['a union', '{ found { __typename } }'],
  ['an interface', '{ node(id: 1) { __typename } }'],
  ['an alias', '{ node(id: 1) { kind: __typename } }'],
  ['a fragment without a type', '{ found { ... { __typename } } }'],
  ['a fragment on an interface', '{ found { ... on Node { __typename } } }'],
  ['a named fragment', '{ found { ...F } } fragment F on Found { ... on Product { name } __typename }'],
  ['a field of the interface', '{ node(id: 1) { id } }'],
  ['a fragment on the type', '{ found { ... on Order { __typename } } }'],
])('%s with a guarded type', (_, query) => {
  test('is refused without the scope of the type, and never reaches the upstream', async () => {
    const before = upstream.received.length;
    expect((await gateway.query(query, { token: null })).status).toBe(401);
    const { status, body } = await gateway.query(query, { token: keys.other });
    expect([status, body.errors[0].extensions.missing]).toEqual([403, ['read:orders']]);
    expect(upstream.received.length).toBe(before);
  });

  test('is forwarded with the scope', async () => {
    expect((await gateway.query(query, { token: keys.reader })).status).toBe(200);
  });
});

test('other types of a union and the names of root types need no scope', async () => {
  for (const query of [
    '{ __typename node(id: 2) { ... on Product { __typename name } } }',
    '{ found { ... on Product { __typename name } } }',
  ]) {
    expect((await gateway.query(query, { token: null })).body.errors).toBeUndefined();
  }
});
