import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphQLError } from 'graphql';
import { WebSocket } from 'ws';
import { selfSigned, writeCertificate } from '../../support/certificate.js';
import { startService } from '../../support/service.js';
import { ask, POLICY, shop, startGateway, UNLIMITED, type TestGateway } from '../../support/gateway.js';
import {
  hear,
  rawSocket,
  socketClient,
  socketUpstream,
  type Heard,
  type SocketUpstream,
} from '../../support/socketUpstream.js';
import { until } from '../../support/until.js';
import type { Client } from 'graphql-ws';

const { Query } = shop.resolvers;
const withFault = {
  ...shop,
  resolvers: {
    ...shop.resolvers,
    Query: {
      ...Query,
      order: (root: unknown, args: { id: string }) => {
        if (args.id === 'broken') throw new GraphQLError('It is broken.', { extensions: { code: 'BROKEN' } });
        return Query.order(root, args);
      },
    },
  },
};
let upstream: SocketUpstream;
let gateway: TestGateway;
const clients: Client[] = [];
beforeAll(async () => {
  upstream = await socketUpstream(withFault);
  gateway = await startGateway(upstream.url, {
    tiers: { ...UNLIMITED, GROWTH: { ...UNLIMITED.GROWTH, streams: 2, keys: 1_000 } },
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) void client.dispose();
  await until(async () => (await streamsOf()) === 0);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const connect = (token: string | null, more = {}): Client => {
  const client = socketClient(gateway.url, token, { ...more });
  clients.push(client);
  return client;
};
const over = async (heard: Heard): Promise<Heard> => {
  await until(() => heard.isOver);
  return heard;
};
const streamsOf = () =>
  gateway.service.metrics.text().then((text) => Number(/latchkey_streams_open (\d+)/.exec(text)?.[1]));
const ENDLESS = 'subscription { ticks(to: 1000000) }';

test.each([
  ['a query', '{ orders(first: 1) { id total } }', [{ data: { orders: [{ id: '1', total: 10.5 }] } }]],
  ['a mutation', 'mutation { cancel(id: "2") { id } }', [{ data: { cancel: { id: '2' } } }]],
  ['a subscription', 'subscription { ticks(to: 3) }', [1, 2, 3].map((ticks) => ({ data: { ticks } }))],
])('passes the results of %s on', async (_, query, results) => {
  const heard = await over(hear(connect(await gateway.key('read:orders', 'write:orders')), query));
  expect(heard).toMatchObject({ error: null, results });
});

test('variables and the name of the operation reach the upstream', async () => {
  const query = 'query A { health } query B($id: ID!) { order(id: $id) { id } }';
  const client = connect(await gateway.key('read:orders'));
  const heard = await over(hear(client, query, { operationName: 'B', variables: { id: '3' } }));
  expect(heard).toMatchObject({ error: null, results: [{ data: { order: { id: '3' } } }] });
});

test('numbers in variables reach the upstream with all digits', async () => {
  const texts: string[] = [];
  const record = (socket: WebSocket) => socket.on('message', (data: Buffer) => texts.push(data.toString()));
  upstream.sockets.once('connection', record);
  const query = 'query ($id: ID!) { order(id: $id) { id } }';
  // As a client sends it whose language has longer integers.
  class Exact extends WebSocket {
    override send(data: string) {
      super.send(data.replace('"EXACT"', '9007199254740993'));
    }
  }
  const client = connect(await gateway.key('read:orders'), { webSocketImpl: Exact });
  const heard = await over(hear(client, query, { variables: { id: 'EXACT' } }));
  expect(heard).toMatchObject({ error: null, results: [{ data: { order: null } }] });
  expect(texts.at(-1)).toBe(
    `{"id":"1","type":"subscribe","payload":{"query":${JSON.stringify(query)},"variables":{"id":9007199254740993}}}`,
  );
});

test('the upstream learns who the caller is, and not the key, over one connection', async () => {
  const before = upstream.connected.length;
  const token = await gateway.key('read:orders');
  const client = connect(token);
  const open = hear(client, ENDLESS);
  await until(() => open.results.length > 0);
  await over(hear(client, '{ health }'));
  expect(upstream.connected.length).toBe(before + 1);
  const { headers, payload } = upstream.connected.at(-1) ?? { headers: {}, payload: null };
  const claims = (jwt: unknown) => JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString());
  expect(claims(headers['latchkey-principal'])).toMatchObject({ aud: upstream.url, scope: 'read:orders' });
  expect(Object.keys(payload as object)).toEqual(['Latchkey-Principal']);
  expect(claims((payload as Record<string, string>)['Latchkey-Principal'])).toMatchObject({ scope: 'read:orders' });
  expect(JSON.stringify([headers, payload])).not.toContain(token);
});

test.each([
  ['connection_init', (token: string) => [['graphql-transport-ws'], {}, { authorization: `Bearer ${token}` }] as const],
  ['Sec-WebSocket-Protocol', (token: string) => [['graphql-transport-ws', `bearer.${token}`], {}, {}] as const],
  ['a header field', (token: string) => [['graphql-transport-ws'], { 'x-api-key': token }, {}] as const],
])('accepts a key in %s', async (_, place) => {
  const [protocols, headers, payload] = place(await gateway.key('read:orders'));
  const raw = rawSocket(gateway.url, [...protocols], headers);
  await raw.opened;
  raw.send({ type: 'connection_init', payload });
  await until(() => raw.messages.length > 0);
  expect([raw.socket.protocol, raw.messages[0]]).toEqual(['graphql-transport-ws', { type: 'connection_ack' }]);
  raw.socket.close();
  await raw.closed;
});

test.each([
  ['without a key', null, 4401],
  ['with an unknown key', `lk_test_${'a'.repeat(40)}`, 4401],
])('closes a connection %s', async (_, token, code) => {
  const heard = await over(hear(connect(token), '{ health }'));
  expect(heard.error.code).toBe(code);
});

test.each([
  ['a subscription without the scope', ['write:orders'], ENDLESS, 'FORBIDDEN'],
  ['a query without the scope', ['write:orders'], '{ orders { id } }', 'FORBIDDEN'],
  ['a field that is denied', ['read:orders'], '{ internal }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a mutation without the scope', ['read:orders'], 'mutation { cancel(id: "1") { id } }', 'FORBIDDEN'],
  ['an invalid operation', ['read:orders'], '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a document that is not GraphQL', ['read:orders'], '{', 'GRAPHQL_PARSE_FAILED'],
])('refuses %s before it reaches the upstream', async (_, scopes, query, code) => {
  const before = [upstream.operations.length, upstream.connected.length];
  const client = connect(await gateway.key(...scopes));
  const heard = await over(hear(client, query));
  expect([heard.results, heard.error[0].extensions.code]).toEqual([[], code]);
  expect([upstream.operations.length, upstream.connected.length]).toEqual(before);
});

test('errors of the upstream pass as they are', async () => {
  const heard = await over(hear(connect(await gateway.key('read:orders')), '{ order(id: "broken") { id } }'));
  expect(heard).toMatchObject({
    error: null,
    results: [{ data: { order: null }, errors: [{ message: 'It is broken.', extensions: { code: 'BROKEN' } }] }],
  });
});

test('the gateway answers introspection itself', async () => {
  const before = upstream.operations.length;
  const heard = await over(hear(connect(await gateway.key('read:orders')), '{ __type(name: "Order") { name } }'));
  expect(heard.results).toEqual([{ data: { __type: { name: 'Order' } } }]);
  expect(upstream.operations.length).toBe(before);
});

test('a caller who completes an operation, or leaves, cancels it at the upstream', async () => {
  const client = connect(await gateway.key('read:orders'));
  const [first, second] = [hear(client, ENDLESS), hear(client, ENDLESS)];
  await until(() => first.results.length > 0 && second.results.length > 0);
  expect(upstream.running.size).toBe(2);
  first.stop();
  await until(() => upstream.running.size === 1);
  await client.dispose();
  await until(() => upstream.sockets.clients.size === 0);
});

test('connections are counted by tier, and give their places back', async () => {
  const token = await gateway.key('read:orders');
  const [first, second] = [hear(connect(token), ENDLESS), hear(connect(token), ENDLESS)];
  await until(() => first.results.length > 0 && second.results.length > 0);
  const third = await over(hear(connect(token), '{ health }'));
  expect(third.error.code).toBe(4429);
  void clients[0]?.dispose();
  await until(async () => (await streamsOf()) === 1);
  const again = await over(hear(connect(token), '{ health }'));
  expect(again).toMatchObject({ error: null, results: [{ data: { health: 'ok' } }] });
});

const created = async (): Promise<{ readonly token: string; readonly id: string }> => {
  const { body } = await gateway.admin(
    'mutation { createApiKey(input: { name: "ends", scopes: ["read:orders"] }) { token apiKey { id } } }',
  );
  const { token, apiKey } = body.data.createApiKey;
  return { token, id: apiKey.id };
};

test('a revoked key ends its operations, its connection and the one to the upstream', async () => {
  const { token, id } = await created();
  const heard = hear(connect(token), ENDLESS);
  await until(() => heard.results.length > 1);
  await gateway.admin('mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', { id });
  await over(heard);
  await until(() => upstream.sockets.clients.size === 0);
  const codes = [...heard.results.flatMap(({ errors }) => errors ?? []), heard.error?.[0]].map(
    (error) => error?.extensions?.code,
  );
  expect(codes).toContain('UNAUTHENTICATED');
});

test('a key that loses the scope ends its operations, and keeps its connection', async () => {
  const { token, id } = await created();
  const client = connect(token);
  const heard = hear(client, ENDLESS);
  await until(() => heard.results.length > 1);
  await gateway.admin(
    'mutation ($id: ID!) { updateApiKey(input: { id: $id, scopes: ["write:orders"] }) { apiKey { id } } }',
    { id },
  );
  await over(heard);
  expect(heard.results.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  await until(() => upstream.running.size === 0);
  // The upstream learns of the new scopes over a new connection.
  const next = await over(hear(client, 'mutation { cancel(id: "1") { id } }'));
  expect(next.results).toEqual([{ data: { cancel: { id: '1' } } }]);
  const jwt = String(upstream.connected.at(-1)?.headers['latchkey-principal']).split('.')[1] ?? '';
  expect(JSON.parse(Buffer.from(jwt, 'base64url').toString()).scope).toBe('write:orders');
});

test('requests for other protocols, and at other paths, are served as before', async () => {
  const { request } = await import('node:http');
  const answer = (path: string, headers: Record<string, string>, body = '') =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const sent = request(`${gateway.origin}${path}`, {
        method: body === '' ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json', ...headers },
      });
      sent.on('response', (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const http2 = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA' };
  expect(await answer('/graphql', http2, '{"query":"{ health }"}')).toEqual({
    status: 200,
    text: expect.stringContaining('"ok"'),
  });
  const ws = { connection: 'Upgrade', upgrade: 'websocket' };
  expect((await answer('/livez', ws)).status).toBe((await fetch(`${gateway.origin}/livez`)).status);
  expect((await answer('/admin/graphql', ws)).status).toBe(
    (await fetch(`${gateway.origin}/admin/graphql`, { headers: { 'content-type': 'application/json' } })).status,
  );
});

test('with GATEWAY_WEBSOCKETS=off, a WebSocket is refused, and HTTP works', async () => {
  const off = await startGateway(upstream.url, { policy: POLICY, env: { GATEWAY_WEBSOCKETS: 'off' } });
  try {
    const raw = rawSocket(off.url);
    expect(await raw.closed).toMatchObject({ code: 1006 });
    expect((await ask(off.url, { query: '{ health }' })).body).toEqual({ data: { health: 'ok' } });
  } finally {
    await off.close();
  }
});

/** An upstream whose `orders` waits until it is released. */
const slowUpstream = async () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let started = 0;
  const orders = async (root: unknown, args: { first?: number }) => {
    started += 1;
    await released;
    return Query.orders(root, args);
  };
  const slow = await socketUpstream({ ...shop, resolvers: { ...shop.resolvers, Query: { ...Query, orders } } });
  return { slow, release, started: () => started };
};

test('a stop lets a running query finish, and accepts no other operation', async () => {
  const { slow, release, started } = await slowUpstream();
  const other = await startGateway(slow.url, { policy: POLICY });
  const client = socketClient(other.url, await other.key('read:orders'));
  const closed = new Promise<unknown>((resolve) =>
    client.on('closed', (event) => resolve((event as { code: number }).code)),
  );
  const query = hear(client, '{ orders(first: 1) { id } }');
  const subscription = hear(client, ENDLESS);
  await until(() => started() === 1 && subscription.results.length > 0);
  const stopped = other.close();
  await over(subscription);
  const late = await over(hear(client, '{ health }'));
  expect(late.error).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
  expect(query.isOver).toBe(false);
  release();
  await over(query);
  expect(query).toMatchObject({ error: null, results: [{ data: { orders: [{ id: '1' }] } }] });
  expect(await closed).toBe(1001);
  await stopped;
  await slow.close();
});

test('a stop ends a query that takes too long with an error', async () => {
  const { slow, release, started } = await slowUpstream();
  const other = await startGateway(slow.url, { policy: POLICY, drainTime: 300 });
  const client = socketClient(other.url, await other.key('read:orders'));
  const query = hear(client, '{ orders { id } }');
  await until(() => started() === 1);
  await expect(other.close()).rejects.toThrow('cut off');
  await over(query);
  expect(query.results).toMatchObject([{ errors: [{ extensions: { code: 'UNAVAILABLE' } }] }]);
  release();
  await client.dispose();
  await slow.close();
});

test('a stop ends subscriptions with an error, and connections with 1001', async () => {
  const other = await startGateway(upstream.url, { policy: POLICY });
  const client = socketClient(other.url, await other.key('read:orders'));
  const closed = new Promise<unknown>((resolve) =>
    client.on('closed', (event) => resolve((event as { code: number }).code)),
  );
  const heard = hear(client, ENDLESS);
  await until(() => heard.results.length > 0);
  await other.close();
  expect(await closed).toBe(1001);
  expect(heard.results.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
});

test('new connections are closed with 1012 while the server is leaving', async () => {
  const other = await startGateway(upstream.url, { policy: POLICY });
  const token = await other.key('read:orders');
  const client = socketClient(other.url, token);
  const heard = hear(client, ENDLESS);
  await until(() => heard.results.length > 0);
  const left = other.service.leave(5_000);
  const late = await over(hear(socketClient(other.url, token), '{ health }'));
  expect(late.error.code).toBe(1012);
  const before = heard.results.length;
  await until(() => heard.results.length > before);
  void client.dispose();
  await left;
  await other.close();
});

test('an expired key ends its operations and its connection', async () => {
  const { body } = await gateway.admin(
    'mutation ($at: DateTime!) { createApiKey(input: { name: "short", scopes: ["read:orders"], expiresAt: $at }) { token } }',
    { at: new Date(Date.now() + 4_000).toISOString() },
  );
  const client = connect(body.data.createApiKey.token);
  const closed = new Promise<number>((resolve) =>
    client.on('closed', (event) => resolve((event as { code: number }).code)),
  );
  const heard = hear(client, ENDLESS);
  await until(() => heard.results.length > 0);
  expect(await closed).toBe(4401);
  expect(heard.isOver).toBe(true);
  await until(() => upstream.sockets.clients.size === 0);
});

test('no more connections than GATEWAY_CONNECTIONS lead to the upstream', async () => {
  const other = await startGateway(upstream.url, { policy: POLICY, env: { GATEWAY_CONNECTIONS: '1' } });
  const token = await other.key('read:orders');
  const [one, two] = [socketClient(other.url, token), socketClient(other.url, token)];
  const first = hear(one, ENDLESS);
  await until(() => first.results.length > 0);
  const second = await over(hear(two, '{ health }'));
  expect(second.results).toMatchObject([{ errors: [{ extensions: { code: 'UNAVAILABLE' } }] }]);
  await one.dispose();
  await until(() => upstream.sockets.clients.size === 0);
  expect((await over(hear(two, '{ health }'))).results).toEqual([{ data: { health: 'ok' } }]);
  await two.dispose();
  await other.close();
});

test.each([
  ['refuses a WebSocket over plain HTTP', 'http', 'Unexpected server response: 403'],
  ['accepts a WebSocket over HTTPS', 'https', 'open'],
])('REQUIRE_HTTPS %s', async (_, proto, outcome) => {
  const env = { REQUIRE_HTTPS: 'true', TRUST_PROXY: '127.0.0.1' };
  const other = await startGateway(upstream.url, { policy: POLICY, env });
  const headers = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': proto };
  const { socket, closed } = rawSocket(other.url, undefined, headers);
  const happened = await new Promise((resolve) => {
    socket.once('open', () => resolve('open'));
    socket.once('error', ({ message }) => resolve(message));
  });
  expect(happened).toBe(outcome);
  socket.terminate();
  await closed;
  await other.close();
});

test('works over TLS', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-tls-'));
  const certificate = selfSigned();
  const files = writeCertificate(dir, certificate);
  // Node's fetch does not know the certificate, so the key is the first one.
  const other = await startService({
    env: { GATEWAY_UPSTREAM: upstream.url, GATEWAY_POLICY: policyIn(dir), ...files },
  });
  class Trusting extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { ca: certificate.cert });
    }
  }
  const client = socketClient(other.url, other.adminToken, { webSocketImpl: Trusting });
  const heard = await over(hear(client, '{ health }'));
  expect(heard).toMatchObject({ error: null, results: [{ data: { health: 'ok' } }] });
  await client.dispose();
  await other.close();
  rmSync(dir, { recursive: true });
});

const policyIn = (dir: string): string => {
  writeFileSync(join(dir, 'policy.yaml'), POLICY);
  return join(dir, 'policy.yaml');
};
