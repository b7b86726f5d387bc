import { startService, type TestService } from '../../support/service.js';

const APP = 'https://app.example.com';

const preflight = (service: TestService, origin: string): Promise<Response> =>
  fetch(service.url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  });

const corsFields = (headers: Headers): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control'));

describe('by default', () => {
  let latchkey: TestService;
  beforeAll(async () => void (latchkey = await startService()));
  afterAll(() => latchkey.close());

  it("pages of other origins can't call the API", async () => {
    const answer = await preflight(latchkey, APP);
    expect(answer.status).toBe(405);
    expect(corsFields(answer.headers)).toEqual([]);
    const { status, headers } = await latchkey.query('{ viewer { scopes } }', { headers: { origin: APP } });
    expect([status, corsFields(headers)]).toEqual([200, []]);
  });
});

describe('with CORS_ORIGINS', () => {
  let latchkey: TestService;
  beforeAll(async () => {
    latchkey = await startService({ env: { CORS_ORIGINS: `${APP},http://localhost:3000` } });
  });
  afterAll(() => latchkey.close());

  it.each([APP, 'http://localhost:3000'])('a page of %s can, with its key', async (origin) => {
    const answer = await preflight(latchkey, origin);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(answer.headers.get('access-control-allow-headers')?.split(', ')).toEqual(
      expect.arrayContaining(['Authorization', 'X-API-Key', 'Content-Type']),
    );
    expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin');
    // Pages send keys themselves. A key must never be in a cookie, which browsers send automatically.
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it.each(['https://evil.example.com', 'https://app.example.com.evil.example', 'null', 'http://app.example.com'])(
    "a page of %s can't",
    async (origin) => {
      expect((await preflight(latchkey, origin)).headers.has('access-control-allow-origin')).toBe(false);
      const { headers } = await latchkey.query('{ viewer { scopes } }', { headers: { origin } });
      expect(headers.has('access-control-allow-origin')).toBe(false);
    },
  );

  it.each([
    ['200', null, 200],
    ['401', 'nonsense', 401],
  ])('a page can read limits, challenge and request ID of a response for %s', async (_, token, status) => {
    const answer = await latchkey.query('{ viewer { scopes } }', {
      headers: { origin: APP },
      ...(token !== null && { token }),
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP);
    expect(answer.headers.get('access-control-expose-headers')).toBe(
      'RateLimit-Policy, RateLimit, Retry-After, WWW-Authenticate, X-Request-Id',
    );
  });
});

test('* allows any origin, but never credentials', async () => {
  const latchkey = await startService({ env: { CORS_ORIGINS: '*' } });
  try {
    const answer = await preflight(latchkey, 'https://anywhere.example');
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
  } finally {
    await latchkey.close();
  }
});

describe('CORS_ORIGINS of other schemes', () => {
  const ORIGINS = [
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'capacitor://localhost',
    'app://',
    'https://[::1]',
    'http://[::1]:3000',
  ];
  let latchkey: TestService;
  beforeAll(async () => {
    latchkey = await startService({
      env: { CORS_ORIGINS: `${ORIGINS.join()},HTTPS://Upper.example:443` },
    });
  });
  afterAll(() => latchkey.close());

  it.each([...ORIGINS, 'https://upper.example'])('allows a page of %s', async (origin) => {
    const answer = await preflight(latchkey, origin);
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
    const { status, headers } = await latchkey.query('{ viewer { scopes } }', { headers: { origin } });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, origin]);
    // MCP checks Origin itself.
    const mcp = await fetch(`${latchkey.origin}/mcp`, { method: 'POST', headers: { origin } });
    expect(mcp.status).toBe(401);
  });

  it.each([
    'chrome-extension://bbcdefghijklmnopabcdefghijklmnop',
    'capacitor://localhost:80',
    'app://other',
    'https://[::2]',
    'http://[::1]',
    'null',
    'file://',
  ])('allows no page of %s', async (origin) => {
    expect((await preflight(latchkey, origin)).headers.has('access-control-allow-origin')).toBe(false);
    const mcp = await fetch(`${latchkey.origin}/mcp`, { method: 'POST', headers: { origin } });
    expect(mcp.status).toBe(403);
  });
});

test('CORS_REQUEST_HEADERS and CORS_RESPONSE_HEADERS add fields to preflight and other responses', async () => {
  const latchkey = await startService({
    env: {
      CORS_ORIGINS: APP,
      CORS_REQUEST_HEADERS: 'traceparent,X-Client-Version,authorization',
      CORS_RESPONSE_HEADERS: 'X-Served-By',
    },
  });
  try {
    const { headers } = await preflight(latchkey, APP);
    const allowed = headers.get('access-control-allow-headers')?.split(', ') ?? [];
    expect(allowed).toEqual(expect.arrayContaining(['Authorization', 'traceparent', 'X-Client-Version']));
    expect(allowed.filter((name) => name.toLowerCase() === 'authorization')).toHaveLength(1);
    const answer = await latchkey.query('{ viewer { scopes } }', { headers: { origin: APP } });
    expect(answer.headers.get('access-control-expose-headers')?.split(', ')).toEqual(
      expect.arrayContaining(['X-Request-Id', 'X-Served-By']),
    );
    // Another origin sees neither.
    expect(corsFields((await preflight(latchkey, 'https://other.example')).headers)).not.toContain(
      'access-control-allow-origin',
    );
  } finally {
    await latchkey.close();
  }
});
