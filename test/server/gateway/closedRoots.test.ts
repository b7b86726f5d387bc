import { ask, POLICY, startGateway, UNLIMITED, type TestGateway } from '../../support/gateway.js';
import { hear, socketClient, socketUpstream, type SocketUpstream } from '../../support/socketUpstream.js';
import { until } from '../../support/until.js';

/** A policy that closes every field of a root type, so that the gateway's schema has no such type. */
const CLOSED = POLICY.replace('Mutation.*: write:orders', 'Mutation.*: deny').replace(
  'ticks: read:orders',
  'ticks: deny',
);
const CHANGE = 'mutation { cancel(id: "1") { id } }';
const STREAM = 'subscription { ticks(to: 2) }';

let upstream: SocketUpstream;
let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  upstream = await socketUpstream();
  gateway = await startGateway(upstream.url, { policy: CLOSED, tiers: UNLIMITED });
  token = await gateway.key('read:orders');
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
const reached = (): number => upstream.received.length + upstream.operations.length;

test('a closed root type is not open to operations, and an open one is', async () => {
  const headers = { authorization: `Bearer ${token}` };
  expect((await ask(gateway.url, { query: '{ orders(first: 1) { id } }' }, headers)).body.errors).toBeUndefined();
  const before = reached();
  const bodies = [
    { query: CHANGE },
    { query: 'mutation { ... { cancel(id: "1") { id } } }' },
    { query: 'mutation { ...A } fragment A on Mutation { cancel(id: "1") { id } }' },
    { query: 'mutation { __typename }' },
    { query: `query A { health } mutation B { cancel(id: "1") { id } }`, operationName: 'A' },
    { query: `query A { health } mutation B { cancel(id: "1") { id } }`, operationName: 'B' },
    { query: STREAM },
  ];
  for (const body of bodies) {
    for (const more of [headers, {}]) {
      const { status, body: answer } = await ask(gateway.url, body, { accept: 'text/event-stream', ...more });
      expect([body.query, status, answer.data, answer.errors[0].extensions.code]).toEqual([
        ...[body.query, 400, undefined, 'GRAPHQL_VALIDATION_FAILED'],
      ]);
    }
  }
  expect(reached()).toBe(before);
});

test.each([
  ['a mutation', CHANGE],
  ['a subscription', STREAM],
])('%s of a closed root type is refused over a WebSocket', async (_, query) => {
  const before = reached();
  const client = socketClient(gateway.url, token);
  const heard = hear(client, query);
  await until(() => heard.isOver);
  expect([heard.results, heard.error[0].extensions.code]).toEqual([[], 'GRAPHQL_VALIDATION_FAILED']);
  expect(reached()).toBe(before);
  await client.dispose();
});

test('a subscription of a closed root type is refused by GET', async () => {
  const before = reached();
  const response = await fetch(`${gateway.url}?query=${encodeURIComponent(STREAM)}&api_key=${token}`, {
    headers: { accept: 'text/event-stream' },
  });
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('GRAPHQL_VALIDATION_FAILED')]);
  expect(reached()).toBe(before);
});

test('MCP does not run a mutation of a closed root type', async () => {
  const before = reached();
  const call = { name: 'run_mutation', arguments: { document: CHANGE } };
  const { text } = await ask(
    `${gateway.origin}/mcp`,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call },
    { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream' },
  );
  expect(text).not.toContain('"cancel":');
  expect(reached()).toBe(before);
});
