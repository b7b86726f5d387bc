import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { mintToken } from '../../src/core/keys/token.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { openRaw } from '../support/rawConnection.js';

const AUDIENCES = { TRUST_PROXY: '127.0.0.1', AUTH_AUDIENCES: 'orders,billing' };
const START = { env: { ...AUDIENCES, DEFAULT_TIER: 'ENTERPRISE', CORS_ORIGINS: '*' } };

let latchkey: TestService;
let key: { token: string; id: string };
beforeAll(async () => {
  latchkey = await startService(START);
  key = await createKey(latchkey, { scopes: ['read:assets', 'read:users'] });
});
afterAll(() => latchkey.close());

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function ask(
  path: string,
  { token = key.token, ...init }: RequestInit & { token?: string | null } = {},
  origin = latchkey.origin,
): Promise<Told> {
  const { headers, ...rest } = init;
  const response = await fetch(`${origin}${path}`, {
    ...rest,
    headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...(headers as Record<string, string>) },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Like {@link ask}, but `..` stays in the path, as from a proxy that doesn't normalise it. */
async function askAsIs(path: string): Promise<{ status: number | undefined; principal: string }> {
  const { hostname: host, port } = new URL(latchkey.origin);
  const sent = request({ host, port, path, headers: { authorization: `Bearer ${key.token}` } }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return { status: response.statusCode, principal: String(response.headers['latchkey-principal']) };
}

const statusOf = async (...call: Parameters<typeof ask>): Promise<number> => (await ask(...call)).status;
const codeOf = ({ text }: Told) => JSON.parse(text).error.code;

describe('a request that may pass', () => {
  it('has 204, limit fields and a principal for the audience, which the published keys verify', async () => {
    const { status, headers, text } = await ask('/v1/auth?scope=read:assets&audience=orders');
    expect([status, text, headers.get('cache-control')]).toEqual([204, '', 'private, no-store']);
    expect(headers.get('ratelimit')).toMatch(/^"rate";r=\d+;t=\d+$/);
    expect(headers.get('ratelimit-policy')).toBe('"burst";q=100;w=1, "rate";q=5000;w=60');
    const keys = createRemoteJWKSet(new URL(`${latchkey.origin}/.well-known/jwks.json`));
    const token = headers.get('latchkey-principal') ?? '';
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      audience: 'orders',
      issuer: 'latchkey',
      typ: 'latchkey-principal+jwt',
    });
    expect(protectedHeader.alg).toBe('EdDSA');
    expect(payload).toMatchObject({ key_id: key.id, workspace: 'default', scope: 'read:assets read:users' });
    await expect(jwtVerify(token, keys, { audience: 'billing' })).rejects.toThrow(/aud/);
  });

  it('takes one request from the key, even if a scope is missing', async () => {
    const { token } = await createKey(latchkey);
    const left = async (path: string) =>
      Number(/r=(\d+)/.exec((await ask(path, { token })).headers.get('ratelimit') ?? '')?.[1]);
    expect(await left('/v1/auth?audience=orders')).toBe(4_999);
    expect(await left('/v1/auth?audience=orders&scope=admin')).toBe(4_998);
    expect(await left('/v1/auth?audience=orders')).toBe(4_997);
  });

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('may have the method %s', async (method) => {
    expect(await statusOf('/v1/auth?audience=orders', { method })).toBe(204);
    expect(await statusOf('/v1/auth?audience=orders', { method, token: null })).toBe(401);
  });

  it('may have a body of any type, which is not read', async () => {
    const { socket, text, closed } = await openRaw(Number(new URL(latchkey.origin).port));
    socket.write(
      `POST /v1/auth?audience=orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key.token}\r\n` +
        'Content-Type: image/png\r\nContent-Length: 1000000000\r\n\r\n',
    );
    for (let i = 0; i < 500 && !text().includes('\r\n\r\n'); i += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(text()).toMatch(/^HTTP\/1.1 204 /);
    socket.destroy();
    await closed;
  });
});

describe('required scopes', () => {
  it.each([
    ['', 204],
    ['read:assets', 204],
    ['read:assets+read:users', 204],
    ['read:assets%20read:users', 204],
    ['read:assets+write:assets', 403],
    ['write:assets', 403],
    ['admin', 403],
  ])('"%s" has %i', async (scope, status) => {
    const answer = await ask(`/v1/auth?audience=orders&scope=${scope}`);
    expect(answer.status).toBe(status);
    if (status === 403) {
      expect(codeOf(answer)).toBe('FORBIDDEN');
      expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
      expect(answer.headers.has('latchkey-principal')).toBe(false);
    }
  });
});

describe('a request that may not pass', () => {
  it.each([
    ['no credential', {}, 'UNAUTHENTICATED', 'Bearer realm="latchkey"'],
    [
      'an unknown key',
      { authorization: `Bearer ${mintToken('lks', 'LIVE').token}` },
      'UNAUTHENTICATED',
      'invalid_token',
    ],
    ['an unknown scheme', { authorization: 'Hawk x' }, 'BAD_REQUEST', 'invalid_request'],
  ])('with %s has 401 and a challenge', async (_what, headers, code, challenge) => {
    const answer = await ask('/v1/auth?audience=orders', { token: null, headers });
    expect([answer.status, codeOf(answer)]).toEqual([401, code]);
    expect(answer.headers.get('www-authenticate')).toContain(challenge);
  });

  it('gets 401 with two different keys, and also with a key in the URL', async () => {
    const { socket, text, closed } = await openRaw(Number(new URL(latchkey.origin).port));
    const other = await createKey(latchkey);
    socket.write(
      `GET /v1/auth?audience=orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${key.token}\r\n` +
        `Authorization: Bearer ${other.token}\r\n\r\n`,
    );
    await closed;
    expect(text()).toMatch(/^HTTP\/1.1 401 /);
    for (const name of ['key', 'api_key', 'token', 'access_token', 'authorization']) {
      expect([400, 401]).toContain(await statusOf(`/v1/auth?${name}=${key.token}`, { token: null }));
      const headers = { 'x-forwarded-uri': `/x?${name}=${key.token}`, 'x-original-url': `/x?${name}=${key.token}` };
      expect(await statusOf('/v1/auth?audience=orders', { token: null, headers })).toBe(401);
    }
    expect(latchkey.logs.join('\n')).not.toContain(key.token);
  });

  it('with a key that is bound to addresses has 403, by the address that the trusted proxy names', async () => {
    const { token } = await createKey(latchkey, { allowedAddresses: ['203.0.113.0/24'] });
    const from = (address: string) =>
      statusOf('/v1/auth?audience=orders', { token, headers: { 'x-forwarded-for': address } });
    expect(await from('203.0.113.7')).toBe(204);
    expect(await from('198.51.100.7')).toBe(403);
    expect(await from('203.0.113.7, 198.51.100.7')).toBe(403);
    const headers = {
      'x-real-ip': '203.0.113.7',
      forwarded: 'for=203.0.113.7',
      'x-original-forwarded-for': '203.0.113.7',
    };
    expect(await statusOf('/v1/auth?audience=orders', { token, headers })).toBe(403);
  });

  it('with a key that is bound to documents has 403', async () => {
    const { token } = await createKey(latchkey, { trustedDocuments: ['a'.repeat(64)] });
    const answer = await ask('/v1/auth?audience=orders', { token });
    expect([answer.status, codeOf(answer)]).toEqual([403, 'FORBIDDEN']);
  });

  it('gets 429 with Retry-After above the limit', async () => {
    const { token } = await createKey(latchkey);
    const answers = await Promise.all(Array.from({ length: 130 }, () => ask('/v1/auth?audience=orders', { token })));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 204).length).toBeGreaterThanOrEqual(100);
    for (const { headers, text } of refused) {
      expect(headers.get('retry-after')).toBe('1');
      expect(text).toContain('"RATE_LIMITED"');
    }
  });
});

describe('what a caller sends', () => {
  it('never becomes the principal', async () => {
    const headers = { 'latchkey-principal': 'eyJ.forged.x', latchkey_principal: 'eyJ.forged.x' };
    const passed = await ask('/v1/auth?audience=orders', { headers });
    expect(passed.headers.get('latchkey-principal')).not.toContain('forged');
    const refused = await ask('/v1/auth?audience=orders&scope=admin', { headers });
    expect([refused.status, refused.headers.has('latchkey-principal')]).toEqual([403, false]);
  });

  it.each([
    'scope=read:assets&scope=',
    'scope=admin&scope=read:assets',
    'audience=orders&audience=billing',
    'audience=other',
    'anonymous=allow&audience=orders',
    'scope=read:assets,admin&audience=orders',
    'page=2&audience=orders',
    'audience',
  ])('in the query string, such as %s, lets nothing pass', async (query) => {
    const answer = await ask(`/v1/auth?${query}`);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'BAD_USER_INPUT']);
    expect(answer.headers.has('latchkey-principal')).toBe(false);
  });

  it('needs an audience in the configuration if there are several', async () => {
    expect(await statusOf('/v1/auth?scope=read:assets')).toBe(400);
  });

  it('as a preflight request does not pass, although CORS is on', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'DELETE' };
    for (const path of ['/v1/auth?audience=orders', '/v1/auth/with/audience=orders/x', '/v1/auth/with/']) {
      const { status } = await ask(path, { method: 'OPTIONS', headers, token: null });
      expect([400, 401]).toContain(status);
    }
  });

  it('in other method fields changes nothing', async () => {
    const headers = {
      'x-http-method-override': 'OPTIONS',
      'x-forwarded-method': 'OPTIONS',
      'x-original-method': 'OPTIONS',
    };
    expect(await statusOf('/v1/auth?audience=orders', { headers, token: null })).toBe(401);
  });
});

describe('parameters in the path, for proxies that append the path of their caller', () => {
  const path = '/v1/auth/with/scope=read:assets+read:users&audience=orders';

  it.each([
    '',
    '/',
    '/orders/5',
    '/orders?page=2',
    '/a/../../v1/graphql',
    '//x',
    '/scope=admin&audience=billing',
    '/%2e%2e/x',
  ])('are not changed by "%s" after them', async (rest) => {
    const { status, principal } = await askAsIs(path + rest);
    expect(status).toBe(204);
    const [, payload = ''] = principal.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).aud).toBe('orders');
  });

  it('are checked with a very long path and query string of the caller', async () => {
    expect(await statusOf(`${path}/${'x'.repeat(4_000)}?scope=&${'y'.repeat(4_000)}`)).toBe(204);
    const { token } = await createKey(latchkey, { scopes: ['read:assets'] });
    expect(await statusOf(`${path}/${'x'.repeat(4_000)}?scope=&audience=orders`, { token })).toBe(403);
  });

  it('are required: without them the path of the caller is not taken for them', async () => {
    for (const rest of ['orders/5', '', 'orders?audience=orders', '?audience=orders']) {
      expect([400, 404]).toContain(await statusOf(`/v1/auth/with/${rest}`));
    }
    expect(await statusOf('/v1/auth/orders/5?audience=orders')).toBe(404);
  });
});

describe('an address that is not in TRUST_PROXY', () => {
  it('gets no principal, and the address that it names is ignored', async () => {
    const other = await startService({ env: { AUTH_AUDIENCES: 'orders' } });
    try {
      const { token } = await createKey(other, { allowedAddresses: ['203.0.113.7'] });
      const headers = { 'x-forwarded-for': '203.0.113.7' };
      expect(await statusOf('/v1/auth', { token, headers }, other.origin)).toBe(403);
      const passed = await ask('/v1/auth', { token: other.adminToken, headers }, other.origin);
      expect([passed.status, passed.headers.has('latchkey-principal')]).toEqual([204, false]);
      await ask('/v1/auth', { token: other.adminToken }, other.origin);
      expect(other.logs.filter((line) => line.includes('is not in TRUST_PROXY, so'))).toHaveLength(1);
    } finally {
      await other.close();
    }
  });
});

test('without AUTH_AUDIENCES no principal is signed, and any audience in the address is refused', async () => {
  const other = await startService({ env: { TRUST_PROXY: '127.0.0.1' } });
  try {
    const passed = await ask('/v1/auth?scope=admin', { token: other.adminToken }, other.origin);
    expect([passed.status, passed.headers.has('latchkey-principal')]).toEqual([204, false]);
    expect(await statusOf('/v1/auth?audience=orders', { token: other.adminToken }, other.origin)).toBe(400);
  } finally {
    await other.close();
  }
});
