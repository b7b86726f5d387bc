import {
  ask,
  serveUpstream,
  startGateway,
  UNLIMITED,
  type TestGateway,
  type TestUpstream,
} from '../../support/gateway.js';
import { hear, socketClient, socketUpstream, type SocketUpstream } from '../../support/socketUpstream.js';
import { answerOf } from '../../support/service.js';
import { until } from '../../support/until.js';

const typeDefs = /* GraphQL */ `
  scalar File
  type Query {
    order(id: ID!): Order
    orders(first: Int): [Order]
    health: String
    costs(of: ID): Float
  }
  type Mutation {
    cancel(id: ID!): Order
    purge: String
    store(file: File!): Order
  }
  type Subscription {
    changed: Order
  }
  type Order {
    id: ID!
    total: Float
    margin: Float
    supplier: Supplier
    note: String!
  }
  type Supplier {
    name: String
    terms: String!
  }
`;
const order = { id: '1', total: 20, margin: 0.3, note: 'late', supplier: { name: 'S', terms: 'net 30' } };
const resolvers = {
  Query: {
    order: (_: unknown, { id }: { id: string }) => ({ ...order, id }),
    orders: () => [order, { ...order, id: '2' }],
    health: () => 'ok',
    costs: () => 7,
  },
  Mutation: { cancel: () => order, purge: () => 'purged', store: () => order },
  Subscription: {
    changed: {
      subscribe: async function* () {
        yield await Promise.resolve({ changed: order });
      },
    },
  },
};
const POLICY = `
Query.*: read:orders
Query.health: public
Query.costs: read:margins
Mutation.*: write:orders
Mutation.purge: admin
Subscription.*: read:orders
Order.margin: read:margins
Order.note: read:notes
Supplier.terms: read:margins
`;

let upstream: SocketUpstream;
let gateway: TestGateway;
let reader: string;
let all: string;
beforeAll(async () => {
  upstream = await socketUpstream({ typeDefs, resolvers });
  gateway = await startGateway(upstream.url, {
    policy: POLICY,
    tiers: UNLIMITED,
    env: { GATEWAY_ON_DENIED: 'filter', GATEWAY_CHECK_INTERVAL: '0' },
  });
  reader = await gateway.key('read:orders', 'write:orders');
  all = await gateway.key('read:orders', 'write:orders', 'read:margins', 'read:notes');
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const forwarded = (): string => JSON.parse(upstream.received.at(-1)?.body ?? '{}').query;
const denied = (...path: (string | number)[]) =>
  expect.objectContaining({ path, extensions: expect.objectContaining({ code: 'FORBIDDEN' }) });

test.each<[string, string, object, unknown[], RegExp]>([
  [
    'a field',
    '{ orders { id margin total } }',
    {
      orders: [
        { id: '1', margin: null, total: 20 },
        { id: '2', margin: null, total: 20 },
      ],
    },
    [denied('orders', 0, 'margin'), denied('orders', 1, 'margin')],
    /margin/,
  ],
  [
    'a field that cannot be null',
    '{ health order(id: "1") { id note } }',
    { health: 'ok', order: null },
    [denied('order')],
    /order|note/,
  ],
  [
    'a field of a nested object',
    '{ order(id: "1") { supplier { name terms } } }',
    { order: { supplier: null } },
    [denied('order', 'supplier')],
    /supplier|terms/,
  ],
  ['a root field', '{ health c: costs }', { health: 'ok', c: null }, [denied('c')], /costs/],
  [
    'a field in a fragment',
    '{ order(id: "1") { id ...F } } fragment F on Order { margin }',
    { order: { id: '1', margin: null } },
    [denied('order', 'margin')],
    /margin/,
  ],
  [
    'a field of the result of a mutation',
    'mutation { cancel(id: "1") { id margin } }',
    { cancel: { id: '1', margin: null } },
    [denied('cancel', 'margin')],
    /margin/,
  ],
])(
  '%s that is denied does not reach the upstream, and is null with an error',
  async (_, query, data, errors, absent) => {
    const { status, body, headers } = await ask(gateway.url, { query }, bearer(reader));
    expect([status, body]).toEqual([200, { data, errors }]);
    expect(headers.get('ratelimit')).not.toBeNull();
    expect(headers.get('content-type')).toMatch(/^application\/(?:graphql-response\+)?json/);
    expect(forwarded()).not.toMatch(absent);
    const allowed = await ask(gateway.url, { query }, bearer(all));
    expect(allowed.body.errors).toBeUndefined();
    expect(forwarded()).toBe(query);
  },
);

test('the variables of a denied field are not defined any more', async () => {
  const query = 'query Costs($of: ID!, $id: ID!) { costs(of: $of) order(id: $id) { id } }';
  const variables = { of: '7', id: '3' };
  const { body } = await ask(gateway.url, { query, variables, operationName: 'Costs' }, bearer(reader));
  expect(body).toEqual({ data: { costs: null, order: { id: '3' } }, errors: [denied('costs')] });
  expect(forwarded()).not.toContain('$of');
});

test('without a key, public fields are returned, and the others are null', async () => {
  const { status, body } = await ask(gateway.url, { query: '{ health orders { id } }' });
  expect([status, body.data, body.errors[0].extensions.code]).toEqual([
    ...[200, { health: 'ok', orders: null }, 'UNAUTHENTICATED'],
  ]);
  expect(forwarded()).not.toContain('orders');
});

test.each([
  ['only denied fields', '{ costs }', 'read'],
  ['a mutation with a denied root field', 'mutation { cancel(id: "1") { id } purge }', 'read'],
  ['a subscription with a denied field', 'subscription { changed { margin } }', 'stream'],
])('an operation with %s is refused entirely', async (_, query, how) => {
  const before = upstream.received.length;
  const accept = how === 'stream' ? { accept: 'text/event-stream' } : {};
  const { status, body } = await ask(gateway.url, { query }, { ...bearer(reader), ...accept });
  expect([status, body.data, body.errors[0].extensions.code]).toEqual([403, undefined, 'FORBIDDEN']);
  expect(upstream.received.length).toBe(before);
});

test('by default, the whole operation is refused', async () => {
  const refusing = await startGateway(upstream.url, { policy: POLICY, env: { GATEWAY_CHECK_INTERVAL: '0' } });
  const before = upstream.received.length;
  const { status } = await ask(
    refusing.url,
    { query: '{ orders { id margin } }' },
    bearer(await refusing.key('read:orders')),
  );
  expect([status, upstream.received.length]).toEqual([403, before]);
  await refusing.close();
});

test('a GET request, and a caller who only reads streams, get the result in their form', async () => {
  const query = '{ order(id: "1") { id margin } }';
  const url = `${gateway.url}?query=${encodeURIComponent(query)}`;
  const answer = async (accept: string) => {
    const response = await fetch(url, { headers: { ...bearer(reader), accept } });
    return [response.status, response.headers.get('content-type'), await response.text()];
  };
  const [status, , text] = await answer('application/json');
  expect([status, JSON.parse(String(text)).data]).toEqual([200, { order: { id: '1', margin: null } }]);
  expect(upstream.received.at(-1)?.url).not.toContain('margin');
  const line = JSON.stringify(JSON.parse(String(text)));
  expect(await answer('text/event-stream')).toEqual([
    ...[200, expect.stringMatching(/^text\/event-stream/), `event: next\ndata: ${line}\n\nevent: complete\ndata:\n\n`],
  ]);
  expect(await answer('multipart/mixed; deferSpec=20220824')).toEqual([
    ...[200, 'multipart/mixed; boundary="-"', expect.stringContaining(`\r\n\r\n${line}\r\n-----\r\n`)],
  ]);
  expect(upstream.received.at(-1)?.headers.accept).toBe('application/json');
});

test('over a WebSocket', async () => {
  const before = upstream.operations.length;
  const client = socketClient(gateway.url, reader);
  const query = '{ order(id: "1") { id margin } }';
  const heard = hear(client, query);
  await until(() => heard.isOver);
  expect(heard).toMatchObject({
    error: null,
    results: [{ data: { order: { id: '1', margin: null } }, errors: [denied('order', 'margin')] }],
  });
  expect(upstream.operations.slice(before).join()).not.toContain('margin');
  await client.dispose();
  const other = socketClient(gateway.url, all);
  const full = hear(other, query);
  await until(() => full.isOver);
  expect(full.results).toEqual([{ data: { order: { id: '1', margin: 0.3 } } }]);
  expect(upstream.operations.at(-1)).toBe(query);
  await other.dispose();
});

test('through MCP', async () => {
  const params = { name: 'run_query', arguments: { document: '{ order(id: "1") { id margin } }' } };
  const { text } = await ask(
    `${gateway.origin}/mcp`,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
    { ...bearer(reader), accept: 'application/json, text/event-stream' },
  );
  expect(text).toContain('\\"margin\\":null');
  expect(forwarded()).not.toContain('margin');
});

test('with an upload', async () => {
  const form = new FormData();
  const query = 'mutation ($file: File!) { store(file: $file) { id margin } }';
  form.append('operations', JSON.stringify({ query, variables: { file: null } }));
  form.append('map', '{"0":["variables.file"]}');
  form.append('0', new Blob(['content']), 'a.txt');
  const { body } = await answerOf(await fetch(gateway.url, { method: 'POST', headers: bearer(reader), body: form }));
  expect(body).toEqual({ data: { store: { id: '1', margin: null } }, errors: [denied('store', 'margin')] });
  expect(upstream.received.at(-1)?.body).not.toContain('margin');
});

test('next to the schema, which the gateway returns itself', async () => {
  const before = upstream.received.length;
  const query = '{ __type(name: "Order") { name } costs }';
  const { body } = await ask(gateway.url, { query }, bearer(reader));
  expect(body).toEqual({ data: { __type: { name: 'Order' }, costs: null }, errors: [denied('costs')] });
  expect(upstream.received.length).toBe(before);
});

describe('the result of an upstream', () => {
  let result = '';
  let status = 200;
  let raw: TestUpstream;
  let other: TestGateway;
  let token: string;
  beforeAll(async () => {
    raw = await serveUpstream((_, response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'x-own': 'a' }).end(result);
    });
    other = await startGateway(raw.url, {
      ...{ policy: POLICY, sdl: typeDefs, tiers: UNLIMITED },
      env: {
        GATEWAY_ON_DENIED: 'filter',
        GATEWAY_CHECK_INTERVAL: '0',
        GATEWAY_RESPONSE_HEADERS: 'x-own',
        MAX_ANSWER_BYTES: '10000',
      },
    });
    token = await other.key('read:orders');
  });
  afterAll(async () => {
    await other.close();
    await raw.close();
  });
  const asked = () => ask(other.url, { query: '{ order(id: "1") { id margin total } }' }, bearer(token));

  test('keeps all digits of its numbers', async () => {
    result =
      '{"data":{"order":{"id":"1","total":9007199254740993}},"extensions":{"n":1e400,"s":"12345678901234567890"}}';
    const { text } = await asked();
    expect(text).toContain('"total":9007199254740993');
    expect(text).toContain('"extensions":{"n":1e400,"s":"12345678901234567890"}');
  });

  test('keeps its errors, without positions in the shorter text, its status and its header fields', async () => {
    status = 206;
    const error = { message: 'No total.', path: ['order', 'total'], locations: [{ line: 1, column: 9 }] };
    result = JSON.stringify({ data: { order: { id: '1', total: null } }, errors: [error] });
    const answer = await asked();
    status = 200;
    expect([answer.status, answer.headers.get('x-own'), answer.body.errors]).toEqual([
      ...[206, 'a', [{ message: error.message, path: error.path }, denied('order', 'margin')]],
    ]);
  });

  test('has no denied field, even if the upstream returns it', async () => {
    result = '{"data":{"order":{"id":"1","margin":0.3,"total":2}}}';
    expect((await asked()).body.data).toEqual({ order: { id: '1', margin: null, total: 2 } });
  });

  test('without data passes', async () => {
    result = '{"errors":[{"message":"Down."}],"data":null}';
    expect((await asked()).body).toEqual({ errors: [{ message: 'Down.' }], data: null });
  });

  test.each([
    ['text', 'oops'],
    ['a list', '[]'],
    ['data that is a list', '{"data":[1]}'],
    ['errors that are no list', '{"errors":{"length":1},"data":{}}'],
  ])('that is %s is refused with 502', async (_, text) => {
    result = text;
    const answer = await asked();
    expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([502, 'BAD_GATEWAY']);
  });

  test('that is more than MAX_ANSWER_BYTES is refused like one that is not filtered', async () => {
    result = JSON.stringify({ data: { order: { id: 'x'.repeat(20_000) } } });
    const answer = await asked();
    expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([400, 'ANSWER_TOO_LARGE']);
  });
});
