import { createRemoteJWKSet, jwtVerify } from 'jose';
import { setTimeout as delay } from 'node:timers/promises';
import { mintToken } from '../../../src/core/keys/token.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { createKey, startService, type TestService } from '../../support/service.js';
import { openRaw } from '../../support/rawConnection.js';
import { until } from '../../support/until.js';
import { SMUGGLED } from './attacks.js';
import { fieldsOf, startOrders, startProxy, type Arrived, type Orders, type Proxy, type ProxyName } from './proxied.js';

const ENV = { DEFAULT_TIER: 'ENTERPRISE', TRUST_PROXY: '127.0.0.1', AUTH_AUDIENCES: 'orders', CORS_ORIGINS: '*' };
/** A limit that a slow machine exceeds, too. Only keys with an owner have it. */
const tiers = tierTable({ ENTERPRISE: { owner: { rate: 200, burst: 2 } } });

describe.each<ProxyName>(['nginx', 'caddy'])('%s with the file of its example', (name) => {
  let latchkey: TestService;
  let orders: Orders;
  let proxy: Proxy;
  let reader: { token: string; id: string };
  let writer: { token: string; id: string };
  let keys: ReturnType<typeof createRemoteJWKSet>;
  beforeAll(async () => {
    latchkey = await startService({ env: ENV, tiers });
    orders = await startOrders();
    proxy = await startProxy(name, latchkey.origin, orders);
    keys = createRemoteJWKSet(new URL(`${latchkey.origin}/.well-known/jwks.json`));
    reader = await createKey(latchkey, { scopes: ['read:assets'] });
    writer = await createKey(latchkey, { scopes: ['write:assets'] });
  });
  afterAll(async () => {
    await proxy.stop();
    await orders.close();
    await latchkey.close();
  });
  beforeEach(() => void orders.arrived.splice(0));
  // Whatever a test does: nothing arrives without a principal of Latchkey, and no key does.
  afterEach(async () => {
    for (const request of orders.arrived) await expectGuarded(request);
  });

  const send = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(`${proxy.origin}${path}`, { ...init, headers });
  const as = (token: string) => ({ authorization: `Bearer ${token}` });

  async function expectGuarded(request: Arrived): Promise<void> {
    const [token = '', ...others] = fieldsOf(request, 'latchkey-principal');
    expect(others).toEqual([]);
    const { payload } = await jwtVerify(token, keys, { audience: 'orders', typ: 'latchkey-principal+jwt' });
    expect(String(payload.scope).split(' ')).toContain('read:assets');
    expect([fieldsOf(request, 'authorization'), fieldsOf(request, 'x-api-key')]).toEqual([[], []]);
    expect(request.url).not.toContain('smuggled');
    expect(request.rawHeaders.join()).not.toContain(reader.token);
  }

  /** Sends bytes as they are, and returns all status lines of the responses. */
  async function statusesOf(text: string): Promise<string[]> {
    const raw = await openRaw(proxy.port);
    raw.socket.write(text.replaceAll('Bearer KEY', `Bearer ${reader.token}`));
    await until(() => raw.text().includes('\r\n\r\n') || raw.isClosed());
    // A smuggled request would have its response now.
    await delay(100);
    raw.socket.destroy();
    return raw.text().match(/^HTTP\/1\.\d \d{3}/gm) ?? [];
  }

  it('forwards a request with a valid key, with its principal and without the key', async () => {
    for (const headers of [as(reader.token), { 'x-api-key': reader.token }]) {
      const response = await send('/orders/5?page=2', headers, { method: 'POST', body: 'a body' });
      expect([response.status, await response.text()]).toEqual([200, 'ok']);
    }
    const chunked = new Blob(['a body']).stream();
    const options = { method: 'POST', body: chunked, duplex: 'half' } as RequestInit;
    expect((await send('/orders/5?page=2', as(reader.token), options)).status).toBe(200);
    expect(orders.arrived).toHaveLength(3);
    for (const { method, url, body } of orders.arrived) {
      expect({ method, url, body }).toEqual({ method: 'POST', url: '/orders/5?page=2', body: 'a body' });
    }
  });

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('authorizes %s', async (method) => {
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'DELETE' };
    expect((await send('/', {}, { method })).status).toBe(401);
    expect((await send('/', preflight, { method })).status).toBe(401);
    expect((await send('/', { ...as(writer.token), ...preflight }, { method })).status).toBe(403);
    expect(orders.arrived).toEqual([]);
    expect((await send('/', as(reader.token), { method })).status).toBe(200);
  });

  it('responds with 401 and a challenge without a valid key', async () => {
    for (const headers of [{}, as(mintToken('lks', 'LIVE').token), { authorization: 'Basic dXNlcjpwYXNz' }]) {
      const { status, headers: fields } = await send('/', headers);
      expect([status, fields.get('www-authenticate')]).toEqual([
        401,
        expect.stringMatching(/^Bearer realm="latchkey"/),
      ]);
    }
    expect(orders.arrived).toEqual([]);
  });

  it('responds with 403 if a scope is missing', async () => {
    const { status, headers } = await send('/', as(writer.token));
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('insufficient_scope');
    expect(orders.arrived).toEqual([]);
  });

  it('responds with 429 and Retry-After above the limit', async () => {
    const { token } = await createKey(latchkey, { externalId: 'acme' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => send('/', as(token))));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, headers } of refused) expect([status, headers.get('retry-after')]).toEqual([429, '1']);
  });

  it('removes a principal that a caller sent, in any spelling, with a valid key and without', async () => {
    const forged = ['Latchkey-Principal', 'latchkey-principal', 'Latchkey_Principal', 'LATCHKEY_PRINCIPAL'];
    for (const field of forged) {
      const lines = `${field}: forged\r\n${field}: eyJ.forged.again\r\n`;
      await statusesOf(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n${lines}Connection: close\r\n\r\n`);
      expect(await statusesOf(`GET / HTTP/1.1\r\nHost: a\r\n${lines}Connection: close\r\n\r\n`)).toEqual([
        'HTTP/1.1 401',
      ]);
    }
    expect(orders.arrived.length).toBeLessThanOrEqual(forged.length);
    expect(JSON.stringify(orders.arrived)).not.toContain('forged');
  });

  it.each(Object.entries(SMUGGLED))('lets nothing past the check with %s', async (_what, text) => {
    const statuses = await statusesOf(text);
    const passed = statuses.filter((status) => status.endsWith('200'));
    expect(orders.arrived.length).toBe(passed.length);
    expect(passed.length).toBeLessThanOrEqual(1);
  });

  it('refuses two different keys, and accepts the same one twice or once', async () => {
    const request = (...fields: string[]) =>
      statusesOf(`GET / HTTP/1.1\r\nHost: a\r\n${fields.join('')}Connection: close\r\n\r\n`);
    const valid = 'Authorization: Bearer KEY\r\n';
    const other = `Authorization: Bearer ${writer.token}\r\n`;
    for (const fields of [
      [valid, other],
      [other, valid],
      [valid, `X-API-Key: ${writer.token}\r\n`],
      [valid, 'Authorization: Bearer wrong\r\n'],
    ]) {
      expect((await request(...fields))[0]).toMatch(/ (401|400)$/);
    }
    expect(orders.arrived).toEqual([]);
  });

  it('ignores a key in the query string, and parameters of /v1/auth in it change nothing', async () => {
    for (const query of [
      `key=${reader.token}`,
      `access_token=${reader.token}`,
      `authorization=Bearer+${reader.token}`,
    ]) {
      expect((await send(`/?${query}`)).status).toBe(401);
    }
    for (const query of ['scope=', 'scope=write:assets', 'audience=other', 'anonymous=allow', 'a&scope=']) {
      expect((await send(`/?${query}`)).status).toBe(401);
      expect((await send(`/?${query}`, as(writer.token))).status).toBe(403);
    }
    expect(orders.arrived).toEqual([]);
    expect((await send('/?scope=write:assets&audience=other', as(reader.token))).status).toBe(200);
    expect(latchkey.logs.join('\n')).not.toContain(reader.token);
  });

  it('takes the address of the caller from the connection, whatever the caller writes', async () => {
    const { token } = await createKey(latchkey, { allowedAddresses: ['203.0.113.7'] });
    for (const field of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-client-ip', 'true-client-ip']) {
      const value = field === 'forwarded' ? 'for=203.0.113.7' : '203.0.113.7';
      expect((await send('/', { ...as(token), [field]: value })).status).toBe(403);
    }
    const here = await createKey(latchkey, { allowedAddresses: ['127.0.0.1'] });
    expect((await send('/', { ...as(here.token), 'x-forwarded-for': '198.51.100.7' })).status).toBe(200);
  });

  it('ignores fields about the method and the address of the request', async () => {
    const fields = {
      'x-forwarded-method': 'OPTIONS',
      'x-forwarded-uri': '/v1/auth?scope=',
      'x-original-method': 'OPTIONS',
      'x-original-url': '/public',
      'x-rewrite-url': '/public',
      'x-http-method-override': 'OPTIONS',
    };
    expect((await send('/', fields)).status).toBe(401);
    expect((await send('/', { ...as(writer.token), ...fields })).status).toBe(403);
    expect(orders.arrived).toEqual([]);
  });

  it('refuses huge header fields, and serves the next request', async () => {
    for (const size of [9_000, 40_000, 2_000_000]) {
      const statuses = await statusesOf(
        `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${'x'.repeat(size)}\r\nConnection: close\r\n\r\n`,
      );
      for (const status of statuses) expect(status).toMatch(/ (400|401|413|414|431|5\d\d)$/);
    }
    expect(orders.arrived).toEqual([]);
    expect((await send('/', as(reader.token))).status).toBe(200);
  });

  it('refuses a request before its body has arrived', async () => {
    const raw = await openRaw(proxy.port);
    raw.socket.write(
      `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${writer.token}\r\nContent-Length: 1000000\r\n\r\nx`,
    );
    await until(() => raw.text().includes('\r\n\r\n'));
    expect(raw.text()).toMatch(/^HTTP\/1\.1 403/);
    raw.socket.destroy();
    expect(orders.arrived).toEqual([]);
  });

  it('does not serve the check itself', async () => {
    for (const path of ['/_latchkey', '/v1/auth', '/v1/verify']) expect((await send(path)).status).not.toBe(204);
    // Only the service's own response, if the key is valid.
    expect((await send('/v1/auth', as(reader.token))).headers.has('latchkey-principal')).toBe(false);
  });

  it('responds with an error if Latchkey is unavailable, and forwards nothing', async () => {
    const gone = await startService({ env: ENV });
    const other = await startProxy(name, gone.origin, orders);
    await gone.close();
    try {
      const { status } = await fetch(other.origin, { headers: as(reader.token) });
      expect(status).toBe({ nginx: 503, caddy: 502 }[name]);
      expect(orders.arrived).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

describe.each<ProxyName>(['nginx', 'caddy'])('%s in front of Latchkey without AUTH_AUDIENCES', (name) => {
  it('forwards no principal, even if a caller sent one', async () => {
    const latchkey = await startService({ env: { TRUST_PROXY: '127.0.0.1' } });
    const orders = await startOrders();
    const proxy = await startProxy(name, latchkey.origin, orders);
    try {
      const { status } = await fetch(proxy.origin, {
        headers: { authorization: `Bearer ${latchkey.adminToken}`, 'latchkey-principal': 'forged' },
      });
      expect(status).toBe(200);
      expect(orders.arrived).toHaveLength(1);
      expect(JSON.stringify(orders.arrived)).not.toMatch(/forged/i);
    } finally {
      await proxy.stop();
      await orders.close();
      await latchkey.close();
    }
  });
});
