import { startGateway, yogaUpstream, type TestGateway, type TestUpstream } from '../../support/gateway.js';

let upstream: TestUpstream;
let gateway: TestGateway;
let reader: string;
beforeAll(async () => {
  upstream = await yogaUpstream();
  gateway = await startGateway(upstream.url);
  reader = await gateway.key('read:orders');
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Counts the requests that reach the upstream meanwhile. */
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
    expect(answer.headers.get('ratelimit')).toMatch(/^"rate";r=499/);
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
      ...['user-agent', 'x-request-id'],
    ].sort(),
  );
  expect(headers?.traceparent).toBe('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  expect(JSON.stringify(upstream.received)).not.toContain(reader);
});
