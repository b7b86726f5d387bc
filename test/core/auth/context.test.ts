import type { Authenticator } from '../../../src/core/auth/authenticator.js';
import { createContextBuilder, directContext } from '../../../src/core/auth/context.js';
import { ANONYMOUS } from '../../../src/core/auth/principal.js';
import { openHarness, type Harness } from './harness.js';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

const http = (status: number, ...headers: [string, string][]): unknown =>
  expect.objectContaining({ extensions: expect.objectContaining({ http: { status, headers: new Map(headers) } }) });

test('accepts a request, or an object with a request as `req`', async () => {
  const { key, token } = await latchkey.issue();
  const context = createContextBuilder(latchkey.authenticator());
  const request = { headers: { authorization: `Bearer ${token}` } };
  for (const source of [request, { req: request }]) {
    expect((await context(source)).principal).toMatchObject({ kind: 'key', keyId: key.id });
  }
});

test('reads the address of a request once, because Express works it out each time', async () => {
  const { token } = await latchkey.issue();
  const context = createContextBuilder(latchkey.authenticator());
  const authorization = `Bearer ${token}`;
  let reads = 0;
  const request = {
    headers: { authorization },
    rawHeaders: ['Authorization', authorization],
    get ip() {
      reads += 1;
      return '192.0.2.7';
    },
  };
  expect((await context({ req: request })).origin?.address).toBe('192.0.2.7');
  expect(reads).toBe(1);
});

describe('U1: header fields of other servers', () => {
  const forms: [string, (fields: Record<string, string>) => object][] = [
    ['Headers', (fields) => ({ headers: new Headers(fields) })],
    ['a Request', (fields) => ({ req: new Request('http://localhost/graphql', { headers: fields }) })],
    ['a Map', (fields) => ({ headers: new Map(Object.entries(fields)) })],
    ['pairs', (fields) => ({ headers: Object.entries(fields) })],
    ['an object without prototype', (fields) => ({ headers: Object.assign(Object.create(null), fields) as object })],
    ["Koa's context", (fields) => ({ ctx: { headers: fields, req: {} } })],
    ['an event of API Gateway 1.0', (fields) => ({ event: { headers: fields, multiValueHeaders: null } })],
    ['an event of API Gateway 2.0', (fields) => ({ event: { headers: fields, requestContext: { http: {} } } })],
    ['an empty rawHeaders', (fields) => ({ headers: fields, rawHeaders: [] })],
    [
      'lists of values',
      (fields) => ({ headers: Object.fromEntries(Object.entries(fields).map(([n, v]) => [n, [v]])) }),
    ],
  ];
  const names = [['authorization'], ['Authorization'], ['X-API-Key'], ['x-api-key']] as const;

  describe.each(names)('%s', (name) => {
    test.each(forms)('as %s', async (_, form) => {
      const { key, token } = await latchkey.issue();
      const context = createContextBuilder(latchkey.authenticator());
      const field = (value: string) => ({ [name]: name.toLowerCase() === 'authorization' ? `Bearer ${value}` : value });
      const made = await context(form({ ...field(token), 'User-Agent': 'test' }) as never);
      expect(made.principal).toMatchObject({ kind: 'key', keyId: key.id });
      expect(made.origin?.userAgent).toBe('test');
      await expect(context(form(field('wrong')) as never)).rejects.toMatchObject({
        extensions: { http: { status: 401 } },
      });
    });
  });

  test('treats two names that differ only in case as two fields', async () => {
    const { token } = await latchkey.issue();
    const context = createContextBuilder(latchkey.authenticator());
    const headers = { authorization: `Bearer ${token}`, Authorization: 'Bearer other' };
    await expect(context({ headers })).rejects.toMatchObject({ extensions: { code: 'BAD_REQUEST' } });
  });

  test.each([
    ['null', null],
    ['no headers', {}],
    ['no headers in req', { req: {} }],
    ['no headers in ctx', { ctx: {} }],
    ['null as ctx', { ctx: null }],
    ['null as event', { event: null }],
    ['an event without headers or context', { event: { headers: null } }],
    ['null as headers', { headers: null }],
    ['text', { headers: 'authorization: Bearer secret-of-the-caller' }],
    ['a list of texts', { headers: ['authorization', 'Bearer secret-of-the-caller'] }],
    [
      'an object of an unknown class',
      {
        headers: new (class Fields {
          authorization = 'Bearer secret-of-the-caller';
        })(),
      },
    ],
    ['values that are no text', { headers: { authorization: { value: 'secret-of-the-caller' } } }],
  ])('throws a TypeError without the key for %s, instead of returning an anonymous caller', async (_, source) => {
    const error: unknown = await createContextBuilder(latchkey.authenticator())(source as never).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain('context: headers');
    expect(String(error)).not.toContain('secret-of-the-caller');
    expect(latchkey.reads).toEqual([]);
  });
});

describe('header fields that were sent twice', () => {
  const twice = ['Authorization', 'Bearer first', 'authorization', 'Bearer second'];
  const first = { authorization: 'Bearer first' };
  test.each([
    ['Node', { headers: first, rawHeaders: twice }],
    ['Fastify', { headers: first, raw: { rawHeaders: twice } }],
    ['Koa', { ctx: { headers: first, req: { rawHeaders: twice } } }],
    [
      'AWS Lambda',
      { event: { headers: first, multiValueHeaders: { Authorization: ['Bearer first', 'Bearer second'] } } },
    ],
  ])('are refused in a request of %s', async (_, source) => {
    const context = createContextBuilder(latchkey.authenticator());
    await expect(context(source as never)).rejects.toMatchObject({ extensions: { code: 'BAD_REQUEST' } });
  });
});

test.each([
  ['Koa', { ctx: { headers: {}, ip: '192.0.2.7', req: { rawHeaders: [] } } }],
  ['Fastify', { headers: {}, ip: '192.0.2.7', raw: { rawHeaders: [] } }],
  ['API Gateway 1.0', { event: { headers: null, requestContext: { identity: { sourceIp: '192.0.2.7' } } } }],
  ['API Gateway 2.0', { event: { headers: {}, requestContext: { http: { sourceIp: '192.0.2.7' } } } }],
])('reads the address of a request of %s, and accepts one without a credential', async (_, source) => {
  const { principal, origin } = await createContextBuilder(latchkey.authenticator())(source);
  expect(principal).toMatchObject({ kind: 'anonymous' });
  expect(origin?.address).toBe('192.0.2.7');
});

test('returns a frozen anonymous principal without a credential', async () => {
  const { principal } = await createContextBuilder(latchkey.authenticator())({ headers: {} });
  expect(principal).toBe(ANONYMOUS);
  expect(Object.isFrozen(principal) && Object.isFrozen(principal.scopes)).toBe(true);
  expect(latchkey.reads).toEqual([]);
});

// CVE-2025-61928: the shape of the request decided whether it was a server call, so that anybody got keys.
test.each([
  ['a user in the body', { headers: {}, body: { userId: 'u1' } }],
  ['a session cookie', { headers: { cookie: 'session=1' } }],
  ['no headers but an IP', { headers: {}, ip: '127.0.0.1' }],
  ['forwarded fields', { headers: { 'x-forwarded-for': '127.0.0.1', 'x-api-key-verified': 'true' } }],
])('%s does not authenticate a request', async (_, source) => {
  expect((await createContextBuilder(latchkey.authenticator())(source)).principal).toBe(ANONYMOUS);
});

test('refuses an invalid credential with status and challenge', async () => {
  const context = createContextBuilder(latchkey.authenticator());
  await expect(context({ headers: { 'x-api-key': 'nonsense' } })).rejects.toEqual(
    http(401, [
      'www-authenticate',
      'Bearer realm="latchkey", error="invalid_token", error_description="The API key is malformed. Copy the whole key again, without white space."',
    ]),
  );
  await expect(context({ headers: { authorization: 'Basic eA==' } })).rejects.toMatchObject({
    extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
  });
});

test('links the current metadata of the resource in the challenge, if there is any', async () => {
  let address: string | null = null;
  const context = createContextBuilder(latchkey.authenticator(), undefined, () => address);
  const challenge = async (): Promise<unknown> => {
    const error: unknown = await context({ headers: { 'x-api-key': 'nonsense' } }).catch((e: unknown) => e);
    return (error as { extensions: { http: { headers: Map<string, string> } } }).extensions.http.headers.get(
      'www-authenticate',
    );
  };
  expect(await challenge()).not.toContain('resource_metadata');
  address = 'https://api.example/.well-known/oauth-protected-resource';
  expect(await challenge()).toContain(`, resource_metadata="${address}"`);
});

// Apollo Server sends the message of a plain error thrown here to the caller.
test('turns any other error into a 503 that does not reveal it', async () => {
  const broken = {
    authenticate: () => Promise.reject(new Error('ECONNREFUSED mongodb://user:pass@db')),
  } as unknown as Authenticator;
  const refusal: unknown = await createContextBuilder(broken)({ headers: { 'x-api-key': 'k' } }).catch(
    (e: unknown) => e,
  );
  expect(refusal).toEqual(http(503, ['retry-after', '1']));
  expect(JSON.stringify(refusal)).not.toContain('mongodb');
  expect((refusal as Error).cause).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
});

describe("F3: the address of a library user's request", () => {
  it('is read without a port, as Express passes it on', async () => {
    const { token } = await latchkey.issue({ allowedAddresses: ['203.0.113.7', '2001:db8::5'] });
    const context = createContextBuilder(latchkey.authenticator());
    const headers = { authorization: `Bearer ${token}` };
    for (const [ip, address] of [
      ['203.0.113.7:51234', '203.0.113.7'],
      ['[2001:db8::5]:443', '2001:db8::5'],
      ['::ffff:203.0.113.7', '203.0.113.7'],
    ] as const) {
      expect((await context({ headers, ip })).origin).toEqual({ address, userAgent: null });
    }
    for (const ip of ['203.0.113.8:443', 'unknown', '203.0.113.7, 203.0.113.8']) {
      await expect(context({ headers, ip })).rejects.toMatchObject({ extensions: { code: 'ADDRESS_NOT_ALLOWED' } });
    }
  });
});

test('servers that need no promise get none for a cached key', async () => {
  const { key, token } = await latchkey.issue();
  const { atOnce } = latchkey.authenticator();
  const builder = createContextBuilder({ authenticate: atOnce });
  const context = directContext(builder);
  const source = { headers: { authorization: `Bearer ${token}` } };
  expect(context(source)).toBeInstanceOf(Promise);
  await builder(source);
  expect(context(source)).toMatchObject({ principal: { keyId: key.id } });
  expect(directContext(async () => ({ principal: ANONYMOUS }))(source)).toBeInstanceOf(Promise);
});
