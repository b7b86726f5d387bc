import { createRemoteJWKSet, jwtVerify } from 'jose';
import { openRaw } from '../../support/rawConnection.js';
import { answerOf } from '../../support/service.js';
import {
  ask,
  startGateway,
  UNLIMITED,
  yogaUpstream,
  type TestGateway,
  type TestUpstream,
} from '../../support/gateway.js';

let upstream: TestUpstream;
let gateway: TestGateway;
let reader: string;
beforeAll(async () => {
  upstream = await yogaUpstream();
  gateway = await startGateway(upstream.url, { tiers: UNLIMITED });
  reader = await gateway.key('read:orders');
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Counts the requests that reach the upstream in the meantime. */
async function reached<T>(work: () => Promise<T>): Promise<[T, number]> {
  const before = upstream.received.length;
  const result = await work();
  return [result, upstream.received.length - before];
}

describe('POST', () => {
  test('forwards an allowed operation, and reports the limits', async () => {
    const answer = await gateway.query('{ orders(first: 2) { id total } }', { token: reader });
    expect(answer.body).toEqual({
      data: {
        orders: [
          { id: '1', total: 10.5 },
          { id: '2', total: 21 },
        ],
      },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('ratelimit')).toMatch(/^"(rate|burst)"/);
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    expect(answer.headers.get('x-request-id')).toBe(upstream.received.at(-1)?.headers['x-request-id']);
  });

  test('forwards the operation, its name and its variables as they were sent', async () => {
    const query = 'query A($id: ID!) { order(id: $id) { id } }\n# end\nquery B { health }';
    const text = `{"query":${JSON.stringify(query)},"operationName":"A","variables":{"id": 2, "n":1.0}}`;
    const { status } = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${reader}` },
      body: text,
    });
    expect(status).toBe(200);
    expect(upstream.received.at(-1)?.body).toBe(text);
  });

  test('a public field needs no key', async () => {
    expect((await gateway.query('{ health }', { token: null })).body).toEqual({ data: { health: 'ok' } });
  });

  test.each([
    ['without a key', '{ orders { id } }', null, 401, 'UNAUTHENTICATED'],
    ['with a scope too few', '{ orders { id margin } }', 'reader', 403, 'FORBIDDEN'],
    ['for a closed field', '{ internal }', 'reader', 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['for a mutation without its scope', 'mutation { cancel(id: 1) { id } }', 'reader', 403, 'FORBIDDEN'],
    ['for a syntax error', '{ orders', 'reader', 400, 'GRAPHQL_PARSE_FAILED'],
    ['for a variable of another type', 'query ($n: Int) { orders(first: $n) { id } }', 'reader', 400, 'BAD_USER_INPUT'],
    [
      'for two operations without a name',
      'query A { health } query B { health }',
      'reader',
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['for the schema beside data', '{ health __schema { queryType { name } } }', 'reader', 400, 'BAD_REQUEST'],
    ['for a subscription without a stream', 'subscription { ticks(to: 1) }', 'reader', 400, 'BAD_REQUEST'],
  ])('refuses an operation %s, which never reaches the upstream', async (_, query, token, status, code) => {
    const variables = { n: 'x' };
    const [answer, requests] = await reached(() =>
      gateway.query(query, { variables, token: token === null ? null : reader }),
    );
    expect([answer.status, answer.body.errors[0].extensions.code, requests]).toEqual([status, code, 0]);
    if (token !== null) expect(answer.headers.get('ratelimit')).not.toBeNull();
  });

  test('answers introspection itself, without closed fields', async () => {
    const [answer, requests] = await reached(() => gateway.query('{ __schema { queryType { fields { name } } } }'));
    expect(answer.body.data.__schema.queryType.fields).toEqual([
      { name: 'order' },
      { name: 'orders' },
      { name: 'health' },
    ]);
    expect(requests).toBe(0);
  });

  test('an invalid key reaches nothing', async () => {
    const [answer, requests] = await reached(() => gateway.query('{ health }', { token: 'lks_live_wrong' }));
    expect([answer.status, requests]).toEqual([401, 0]);
  });
});

test('key management is at /admin/graphql only', async () => {
  expect((await gateway.query('{ viewer { scopes } }')).body.errors[0].extensions.code).toBe(
    'GRAPHQL_VALIDATION_FAILED',
  );
  expect((await gateway.admin('{ viewer { scopes } }')).body).toEqual({ data: { viewer: { scopes: ['admin'] } } });
  const schemas = ['/schema.graphql', '/admin/schema.graphql'].map(async (path) =>
    (await fetch(`${gateway.origin}${path}`)).text(),
  );
  const [theirs, ours] = await Promise.all(schemas);
  expect([theirs, ours]).toEqual([
    expect.stringContaining('orders(first: Int)'),
    expect.stringContaining('createApiKey'),
  ]);
  expect(theirs).not.toMatch(/createApiKey|internal/);
});

test('the upstream gets neither the key nor other fields of the caller', async () => {
  const { status } = await gateway.query('{ health }', {
    token: reader,
    headers: {
      cookie: 'session=1',
      'latchkey-principal': 'forged',
      latchkey_principal: 'forged',
      'x-forwarded-for': '10.0.0.1',
      'x-other': '1',
      'accept-language': 'de',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  });
  expect(status).toBe(200);
  const { headers } = upstream.received.at(-1) ?? {};
  expect(Object.keys(headers ?? {}).sort()).toEqual(
    [
      ...['accept', 'accept-language', 'connection', 'content-length', 'content-type', 'host', 'traceparent'],
      ...['latchkey-principal', 'user-agent', 'x-request-id'],
    ].sort(),
  );
  expect(headers?.traceparent).toBe('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  expect(JSON.stringify(upstream.received)).not.toContain(reader);
});

describe('Latchkey-Principal', () => {
  const tokenOf = (): string => String(upstream.received.at(-1)?.headers['latchkey-principal']);
  const verified = async (audience = upstream.url) =>
    jwtVerify(tokenOf(), createRemoteJWKSet(new URL(`${gateway.origin}/.well-known/jwks.json`)), { audience });

  test('is a token for the upstream that describes the caller, whatever the caller sends', async () => {
    const headers = { 'latchkey-principal': 'eyJhbGciOiJub25lIn0.e30.' };
    await gateway.query('{ orders { id } }', { token: reader, headers });
    const { payload, protectedHeader } = await verified();
    expect(protectedHeader.alg).toBe('EdDSA');
    expect(payload).toMatchObject({ kind: 'key', workspace: 'default', scope: 'read:orders', plan: 'GROWTH' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
    await expect(verified('https://another.example')).rejects.toThrow('aud');
  });

  test('tells the upstream that a caller is anonymous', async () => {
    await gateway.query('{ health }', { token: null });
    expect((await verified()).payload).toMatchObject({ kind: 'anonymous', sub: 'anonymous', scope: '' });
  });
});

describe('GET', () => {
  const get = async (parameters: string, headers: Record<string, string> = {}) =>
    answerOf(
      await fetch(`${gateway.url}?${parameters}`, { headers: { authorization: `Bearer ${reader}`, ...headers } }),
    );
  const encoded = encodeURIComponent;

  test('forwards a query, its name and its variables as a GET request', async () => {
    const query = 'query Q($n: Int) { orders(first: $n) { id } }';
    const answer = await get(`query=${encoded(query)}&operationName=Q&variables=${encoded('{"n": 1}')}&other=1`);
    expect(answer.body).toEqual({ data: { orders: [{ id: '1' }] } });
    expect(answer.headers.get('ratelimit')).not.toBeNull();
    const { method, url } = upstream.received.at(-1) ?? { url: '' };
    expect([method, Object.fromEntries(new URL(url, upstream.url).searchParams)]).toEqual([
      'GET',
      { query, operationName: 'Q', variables: '{"n": 1}' },
    ]);
  });

  test.each([
    ['a mutation', `query=${encoded('mutation { cancel(id: 1) { id } }')}`, 405, 'BAD_REQUEST'],
    ['two queries', 'query={health}&query={orders{id}}', 400, 'BAD_REQUEST'],
    ['two texts of variables', 'query={health}&variables={}&variables={"a":1}', 400, 'BAD_REQUEST'],
    ['variables that are not JSON', 'query={health}&variables={', 400, 'BAD_REQUEST'],
    ['variables with a name twice', 'query={health}&variables={"a":1,"a":2}', 400, 'BAD_REQUEST'],
    ['no query', 'operationName=A', 400, 'BAD_REQUEST'],
    ['a persisted query', 'extensions={"persistedQuery":{}}', 400, 'PERSISTED_QUERY_NOT_SUPPORTED'],
    ['a field without its scope', 'query={orders{margin}}', 403, 'FORBIDDEN'],
  ])('refuses %s', async (_, parameters, status, code) => {
    const [answer, requests] = await reached(() => get(parameters));
    expect([answer.status, answer.body.errors[0].extensions.code, requests]).toEqual([status, code, 0]);
  });

  test('without a key, needs a header field that no page of another origin can send', async () => {
    const asked = (headers: Record<string, string>) => fetch(`${gateway.url}?query={health}`, { headers });
    expect((await asked({})).status).toBe(400);
    expect((await asked({ 'content-type': 'text/plain' })).status).toBe(400);
    expect((await asked({ 'apollo-require-preflight': '1' })).status).toBe(200);
    expect((await asked({ 'content-type': 'application/json' })).status).toBe(200);
  });
});

describe('nothing reaches the upstream that was not judged', () => {
  const send = (body: string) => ask(gateway.url, body, { authorization: `Bearer ${reader}` });

  test.each([
    ['a batch', '[{"query":"{health}"}]', 'BAD_REQUEST'],
    [
      'a persisted query',
      '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}',
      'PERSISTED_QUERY_NOT_SUPPORTED',
    ],
    ['a document by its id', '{"documentId":"x"}', 'BAD_REQUEST'],
    ['a query twice', '{"query":"{health}","query":"{internal}"}', 'BAD_REQUEST'],
    ['a query twice, once escaped', '{"query":"{health}","qu\\u0065ry":"{internal}"}', 'BAD_REQUEST'],
    ['a variable twice', '{"query":"query($a:Boolean!){health}","variables":{"a":true,"a":false}}', 'BAD_REQUEST'],
    ['a variable twice, deep inside', '{"query":"{health}","variables":{"a":[{"b":{"c":1,"c":2}}]}}', 'BAD_REQUEST'],
    ['a query that is a list', '{"query":["{health}"]}', 'BAD_REQUEST'],
    ['variables that are a text', '{"query":"{health}","variables":"{}"}', 'BAD_REQUEST'],
    ['a name that is a number', '{"query":"{health}","operationName":1}', 'BAD_REQUEST'],
    ['a comment with another line separator', '{"query":"{ health #\\u2028 internal\\n }"}', 'GRAPHQL_PARSE_FAILED'],
    [
      'a comment that ends with only CR',
      '{"query":"{ health #\\r @skip(if: true)\\n __typename }"}',
      'GRAPHQL_PARSE_FAILED',
    ],
    ['an empty body', '', 'BAD_REQUEST'],
    ['a text', '"query"', 'BAD_REQUEST'],
  ])('refuses %s', async (_, body, code) => {
    const [answer, requests] = await reached(() => send(body));
    expect([answer.status, answer.body.errors[0].extensions.code, requests]).toEqual([400, code, 0]);
    expect(answer.headers.get('ratelimit')).not.toBeNull();
  });

  test('refuses such a comment each time, although the document is valid', async () => {
    const body = JSON.stringify({ query: '{ health #\u2028 internal\n }' });
    for (let i = 0; i < 3; i += 1) expect((await send(body)).status).toBe(400);
  });

  test('forwards comments that end with LF, CR LF or the document', async () => {
    for (const query of ['{ health #\n }', '{ health #\r\n }', '#\n{ health } #', '{\rhealth\r}']) {
      expect((await send(JSON.stringify({ query }))).body).toEqual({ data: { health: 'ok' } });
    }
  });

  test('drops all other members, including those whose names differ in case only', async () => {
    const answer = await send(
      '{"Query":"{internal}","QUERY":"{internal}","query":"{health}","extensions":{"persistedQuery":{"sha256Hash":"x"}},"documentId":"1","id":2}',
    );
    expect(answer.body).toEqual({ data: { health: 'ok' } });
    expect(upstream.received.at(-1)?.body).toBe('{"query":"{health}"}');
  });

  test('keeps all digits of numbers in variables', async () => {
    const variables = '{"a":12345678901234567890, "b": 1.50, "c":"\\u00e9"}';
    await send(`{"query":"{health}","variables":${variables}}`);
    expect(upstream.received.at(-1)?.body).toBe(`{"query":"{health}","variables":${variables}}`);
  });

  test.each([
    ['two lengths', 'Content-Length: 22\r\nContent-Length: 5\r\n'],
    ['a length and chunks', 'Content-Length: 22\r\nTransfer-Encoding: chunked\r\n'],
    ['an unknown encoding', 'Transfer-Encoding: xchunked\r\n'],
    ['a blank before the colon', 'Content-Length : 22\r\n'],
    ['a line that is folded', 'X-A: b\r\n Content-Length: 5\r\nContent-Length: 22\r\n'],
  ])('refuses a request with %s (request smuggling)', async (_, fields) => {
    const before = upstream.received.length;
    const { socket, text, closed } = await openRaw(Number(new URL(gateway.origin).port));
    const inner = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"query":"{health}"}`;
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${reader}\r\nContent-Type: application/json\r\n${fields}\r\n{"query":"{internal}"}${inner}`,
    );
    await closed;
    expect(text()).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.received.slice(before).map(({ body }) => body)).not.toContain('{"query":"{internal}"}');
    expect(upstream.received.length - before).toBe(0);
  });
});

test('MCP finds and runs the operations of the upstream', async () => {
  const call = (name: string, args: object, token = reader) =>
    ask(
      `${gateway.origin}/mcp`,
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } },
      { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream' },
    );
  expect((await call('run_query', { document: '{ orders(first: 1) { id } }' })).text).toContain('\\"id\\":\\"1\\"');
  expect((await call('run_query', { document: '{ orders { margin } }' })).text).toContain('FORBIDDEN');
  expect((await call('search_schema', { query: 'orders' })).text).toContain('Query.orders');
});

test('MCP refuses variables that nest too deep', async () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const response = await fetch(`${gateway.origin}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${reader}` },
    body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run_query","arguments":{"document":"{ health }","variables":{"a":${deep}}}}}`,
  });
  expect(await response.text()).toContain('The variables nest too deep');
});

test('explainAccess knows the fields of the upstream', async () => {
  const { body } = await gateway.admin(
    'mutation { createApiKey(input: { name: "explained", scopes: ["read:all"] }) { token apiKey { id } } }',
  );
  const { token, apiKey } = body.data.createApiKey;
  await gateway.query('{ orders { id } }', { token });
  const document = '{ orders { margin } }';
  const explained = await gateway.admin(
    'query ($id: ID!, $document: String!) { explainAccess(keyId: $id, document: $document) { allowed fields { coordinate } } }',
    { id: apiKey.id, document },
  );
  expect(explained.body.data.explainAccess).toEqual({
    allowed: true,
    fields: [{ coordinate: 'Query.orders' }, { coordinate: 'Order.margin' }],
  });
});
