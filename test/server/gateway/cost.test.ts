import {
  ask,
  startGateway,
  UNLIMITED,
  yogaUpstream,
  type TestGateway,
  type TestUpstream,
} from '../../support/gateway.js';

const ANNOTATED = /* GraphQL */ `
  type Query {
    orders(first: Int): [Order!]! @listSize(slicingArguments: ["first"]) @auth(scope: "read:orders")
    health: String! @public
  }
  type Order {
    id: ID!
    total: Float! @cost(weight: "2")
  }
`;

const cost = { max: 50, rate: 120, burst: 120 };
const tiers = { ...UNLIMITED, GROWTH: { ...UNLIMITED.GROWTH, cost } };

let upstream: TestUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await yogaUpstream();
  gateway = await startGateway(upstream.url, { policy: null, sdl: ANNOTATED, tiers });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
afterEach(() => upstream.received.splice(0));

const sent = (query: string, token: string) => ask(gateway.url, { query }, { authorization: `Bearer ${token}` });

test('refuses an operation above the maximum, and forwards nothing', async () => {
  const token = await gateway.key('read:orders');
  const refused = await sent('{ orders(first: 17) { id total } }', token);
  expect(refused.status).toBe(400);
  expect(refused.body.errors[0].extensions).toEqual({ code: 'COST_EXCEEDED', cost: 53, limit: 50 });
  expect(upstream.received).toEqual([]);
  const allowed = await sent('{ orders(first: 16) { id total } }', token);
  expect(allowed.body.data.orders).toHaveLength(3);
  expect(upstream.received).toHaveLength(1);
});

test('takes the estimate, because responses are forwarded as they arrive', async () => {
  const token = await gateway.key('read:orders');
  // Each of them costs 50 of 120, although three orders are returned.
  for (const _ of [1, 2]) expect((await sent('{ orders(first: 16) { id total } }', token)).status).toBe(200);
  const refused = await sent('{ orders(first: 16) { id total } }', token);
  expect(refused.status).toBe(429);
  expect(refused.body.errors[0].extensions).toMatchObject({ code: 'RATE_LIMITED', unit: 'cost' });
});
