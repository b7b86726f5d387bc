import { setTimeout as delay } from 'node:timers/promises';
import { readStream, type Reading } from '../../support/streams.js';
import {
  ask,
  POLICY,
  serveUpstream,
  shop,
  startGateway,
  UNLIMITED,
  yogaUpstream,
  type TestGateway,
  type TestUpstream,
} from '../../support/gateway.js';
import { until } from '../../support/until.js';

let upstream: TestUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await yogaUpstream();
  gateway = await startGateway(upstream.url, { tiers: { ...UNLIMITED, GROWTH: { ...UNLIMITED.GROWTH, streams: 2 } } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const subscribe = (token: string | null, query: string, url = gateway.url): Promise<Reading> =>
  readStream(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query }),
  });
const ENDLESS = 'subscription { ticks(to: 1000000) }';
const streamsOf = () =>
  gateway.service.metrics.text().then((text) => Number(/latchkey_streams_open (\d+)/.exec(text)?.[1]));

test('passes the events of a subscription on as they arrive', async () => {
  const stream = await subscribe(await gateway.key('read:orders'), 'subscription { ticks(to: 3) }');
  expect(stream.status).toBe(200);
  expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
  await until(() => stream.over());
  expect(stream.results).toEqual([1, 2, 3].map((ticks) => ({ data: { ticks } })));
});

test('a subscription by GET may have its key in the address, which the upstream does not see', async () => {
  const token = await gateway.key('read:orders');
  const query = encodeURIComponent('subscription { ticks(to: 1) }');
  const stream = await readStream(`${gateway.url}?query=${query}&api_key=${token}`);
  await until(() => stream.over());
  expect(stream.results).toEqual([{ data: { ticks: 1 } }]);
  expect(JSON.stringify(upstream.received.at(-1))).not.toContain(token);
});

test.each([
  ['without a key', null, ENDLESS, 401, 'UNAUTHENTICATED'],
  ['without the scope', ['write:orders'], ENDLESS, 403, 'FORBIDDEN'],
])('refuses a subscription %s before it reaches the upstream', async (_, scopes, query, status, code) => {
  const before = upstream.received.length;
  const stream = await subscribe(scopes === null ? null : await gateway.key(...scopes), query);
  expect([stream.status, stream.body.errors[0].extensions.code]).toEqual([status, code]);
  expect(upstream.received.length).toBe(before);
});

test('streams are counted by tier, and give their places back', async () => {
  const token = await gateway.key('read:orders');
  const [first, second] = [await subscribe(token, ENDLESS), await subscribe(token, ENDLESS)];
  const third = await subscribe(token, ENDLESS);
  expect([third.status, third.body.errors[0].extensions.code]).toEqual([429, 'TOO_MANY_STREAMS']);
  first.close();
  second.close();
  await until(async () => (await streamsOf()) === 0);
  const again = await subscribe(token, 'subscription { ticks(to: 1) }');
  await until(() => again.over());
  expect(again.status).toBe(200);
});

test.each([
  ['is revoked', 'mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', 'UNAUTHENTICATED'],
  [
    'loses the scope',
    'mutation ($id: ID!) { updateApiKey(input: { id: $id, scopes: ["write:orders"] }) { apiKey { id } } }',
    'FORBIDDEN',
  ],
])('a stream ends with an error when its key %s', async (_, mutation, code) => {
  const { body } = await gateway.admin(
    'mutation { createApiKey(input: { name: "ends", scopes: ["read:orders"] }) { token apiKey { id } } }',
  );
  const { token, apiKey: key } = body.data.createApiKey;
  const stream = await subscribe(token, ENDLESS);
  await stream.first(2);
  const { id } = key;
  expect((await gateway.admin(mutation, { id })).body.errors).toBeUndefined();
  await until(() => stream.over());
  expect(stream.results.at(-1)).toMatchObject({ errors: [{ extensions: { code } }] });
  await until(async () => (await streamsOf()) === 0);
});

describe('incremental delivery', () => {
  let parts: TestUpstream;
  let other: TestGateway;
  let next: (() => void) | null = null;
  beforeAll(async () => {
    // Incremental responses as Apollo Client requests them, because graphql-js 16 has no @defer.
    parts = await serveUpstream((_, response) => {
      const write = (text: string): unknown => response.write(text);
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary="-"' });
      write('\r\n---\r\ncontent-type: application/json\r\n\r\n{"data":{"health":"ok"},"hasNext":true}\r\n---');
      next = () => {
        write('\r\ncontent-type: application/json\r\n\r\n{"incremental":[],"hasNext":false}\r\n-----\r\n');
        response.end();
      };
    });
    const sdl = shop.typeDefs;
    other = await startGateway(parts.url, {
      policy: POLICY,
      sdl,
      env: { GATEWAY_TIMEOUT: '1000', GATEWAY_CHECK_INTERVAL: '0' },
    });
  });
  afterAll(async () => {
    await other.close();
    await parts.close();
  });
  const send = (headers: Record<string, string>) =>
    fetch(other.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'multipart/mixed, application/json', ...headers },
      body: '{"query":"{ health }"}',
    });

  test('each part reaches the caller when the upstream sends it, without the limit of time for other responses', async () => {
    const token = await other.key('read:orders');
    const response = await send({ authorization: `Bearer ${token}` });
    expect(response.headers.get('content-type')).toBe('multipart/mixed; boundary="-"');
    const reader = response.body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    expect(first).toContain('"hasNext":true');
    await delay(1_300);
    next?.();
    let rest = '';
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      rest += new TextDecoder().decode(read.value as Uint8Array);
    }
    expect(rest).toContain('"hasNext":false');
  });

  test('an anonymous caller has the time of other responses', async () => {
    const response = await send({});
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});

test('a slow reader pauses the upstream, and nothing is buffered', async () => {
  let written = 0;
  const flood = await serveUpstream((request, raw) => {
    request.resume();
    raw.writeHead(200, { 'content-type': 'text/event-stream' });
    const push = (): void => {
      for (let ok = true; ok && written < 2e9;) {
        const chunk = `event: next\ndata: ${'x'.repeat(65_536)}\n\n`;
        written += chunk.length;
        ok = raw.write(chunk);
      }
      raw.once('drain', push);
    };
    push();
  });
  const other = await startGateway(flood.url, { sdl: shop.typeDefs, env: { GATEWAY_CHECK_INTERVAL: '0' } });
  try {
    const token = await other.key('read:orders');
    const response = await fetch(other.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: ENDLESS }),
    });
    let before = -1;
    await until(async () => {
      const same = written === before;
      before = written;
      await delay(200);
      return same;
    });
    // The buffers of four sockets.
    expect(written).toBeLessThan(40e6);
    await response.body?.cancel();
  } finally {
    await other.close();
    await flood.close();
  }
});

test('mutations and queries with errors of the upstream pass', async () => {
  const token = await gateway.key('write:orders', 'read:orders');
  const headers = { authorization: `Bearer ${token}` };
  expect((await ask(gateway.url, { query: 'mutation { cancel(id: "9") { id } }' }, headers)).body).toEqual({
    data: { cancel: null },
  });
});
