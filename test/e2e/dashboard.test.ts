import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_CONFIGURATION } from '../../src/core/auth/configuration.js';
import { AUDIENCE, startIssuer } from '../support/issuer.js';
import { answerOf, startService, type TestService } from '../support/service.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/** Unchanged, because fetch would normalize the path. */
async function asWritten(origin: string, path: string): Promise<{ status: number | undefined; text: string }> {
  const asking = request({ ...address(origin), path }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of answer.setEncoding('utf8')) text += part as string;
  return { status: answer.statusCode, text };
}

const address = (origin: string) => ({ host: new URL(origin).hostname, port: new URL(origin).port });

describe('the dashboard', () => {
  let latchkey: TestService;
  beforeAll(async () => void (latchkey = await startService({ env: { CORS_ORIGINS: 'https://app.example' } })));
  afterAll(() => latchkey.close());

  const open = (path = '/dashboard/', headers: Record<string, string> = {}): Promise<Response> =>
    fetch(latchkey.origin + path, { headers: { accept: BROWSER, ...headers }, redirect: 'manual' });
  const nonceOf = ({ headers }: Response) =>
    /'nonce-([^']+)'/.exec(headers.get('content-security-policy') ?? '')?.[1] ?? '';

  it.each([
    '/dashboard',
    '/dashboard/',
    '/dashboard/keys',
    '/dashboard/keys/key_0123',
    '/dashboard/callback?code=x&state=y',
  ])('%s returns the page, without a key', async (path) => {
    const answer = await open(path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await answer.text()).toContain('<div id="root">');
  });

  it('has a policy that forbids inline scripts and other origins', async () => {
    const answer = await open();
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonceOf(answer)}'; img-src 'self' data:; ` +
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=()'),
      'cache-control': 'no-store',
    });
    expect(answer.headers.has('set-cookie')).toBe(false);
    const scripts = (await answer.text()).match(/<script\b[^>]*>(?!<\/script>)/g);
    expect(scripts).toBeNull();
  });

  it('has a new nonce in each response, the same in page and policy', async () => {
    const nonces = new Set<string>();
    for (let i = 0; i < 20; i += 1) {
      const answer = await open();
      const nonce = nonceOf(answer);
      const text = await answer.text();
      expect(text).toContain(`nonce="${nonce}"`);
      expect(text).not.toContain('__CSP_NONCE__');
      expect(Buffer.from(nonce, 'base64')).toHaveLength(16);
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(20);
  });

  it('has permanently cached assets, compressed for the browser, with the same content in each encoding', async () => {
    const [script = ''] = /\/dashboard\/assets\/[\w.-]+\.js/.exec(await (await open()).text()) ?? [];
    const lengths: number[] = [];
    const texts = new Set<string>();
    for (const [accepted, encoding] of [
      ['gzip, deflate, br, zstd', 'br'],
      ['gzip;q=1.0', 'gzip'],
      ['br;q=0, gzip', 'gzip'],
      ['identity', null],
    ] as const) {
      const answer = await open(script, { 'accept-encoding': accepted });
      expect([answer.status, answer.headers.get('content-encoding')]).toEqual([200, encoding]);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(answer.headers.get('vary')).toContain('accept-encoding');
      expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      lengths.push(Number(answer.headers.get('content-length')));
      texts.add(await answer.text());
    }
    expect(texts.size).toBe(1);
    const [brotli = 0, gzip = 0, , whole = 0] = lengths;
    expect([brotli < gzip, gzip < whole / 2]).toEqual([true, true]);
  });

  it.each([
    '/dashboard/assets/gone-0123.js',
    '/dashboard/assets/',
    '/dashboard/assets/constructor',
    '/dashboard/favicon.ico',
    '/dashboard/index.html',
    '/dashboard/.vite/manifest.json',
    '/dashboard/keys/../../package.json',
  ])('%s: a missing file gets 404 instead of the page', async (path) => {
    const { status, text } = await asWritten(latchkey.origin, path);
    expect([status, text]).toEqual([404, expect.stringContaining('Not found.')]);
  });

  it.each([
    '/dashboard/assets/../index.html',
    '/dashboard/assets/..%2findex.html',
    '/dashboard/assets/%2e%2e/%2e%2e/%2e%2e/package.json',
    '/dashboard/assets/..%5c..%5cpackage.json',
    '/dashboard/assets//etc/passwd',
    '/dashboard/assets/%00.js',
    '/dashboard/assets/..%252f..%252fpackage.json',
    '/dashboard/..%2f..%2fpackage.json',
  ])('%s does not leave the folder', async (path) => {
    const { status, text } = await asWritten(latchkey.origin, path);
    expect([400, 404]).toContain(status);
    expect(JSON.parse(text)).toEqual({ errors: [expect.anything()] });
  });

  it('responds to HEAD like to GET, without a body', async () => {
    const answer = await fetch(`${latchkey.origin}/dashboard/`, { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect((await fetch(`${latchkey.origin}/dashboard/`, { method: 'POST' })).status).toBe(404);
  });

  it("can't be read by pages of other origins, not even by those that may call the API", async () => {
    for (const path of ['/dashboard/', '/dashboard/config.json']) {
      const answer = await open(path, { origin: 'https://app.example' });
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, null]);
    }
  });

  it('offers only sign-in by key if the configuration has no issuer', async () => {
    const answer = await open('/dashboard/config.json');
    expect(await answer.json()).toEqual({ oidc: null });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('browsers are redirected to it from the root, other clients are not', async () => {
    for (const [accept, location] of [
      [BROWSER, '/dashboard/'],
      ['*/*', '/graphql'],
      ['application/json', '/graphql'],
    ] as const) {
      const answer = await open('/', { accept });
      expect([answer.status, answer.headers.get('location'), answer.headers.get('vary')]).toEqual([
        302,
        location,
        expect.stringContaining('accept'),
      ]);
    }
    expect(await (await open('/graphql')).text()).toContain('Latchkey GraphiQL');
  });

  it('leaves no sign-in code and no key in the log', async () => {
    await open('/dashboard/callback?code=a-code-of-tests&state=a-state-of-tests');
    const written = latchkey.logs.join('');
    expect(written).toContain('/dashboard/*');
    expect(written).not.toMatch(/a-code-of-tests|a-state-of-tests/);
  });
});

test('is not served with DASHBOARD=off', async () => {
  const latchkey = await startService({ env: { DASHBOARD: 'off' } });
  try {
    for (const path of ['/dashboard', '/dashboard/', '/dashboard/config.json']) {
      expect((await fetch(latchkey.origin + path)).status).toBe(404);
    }
    const answer = await fetch(latchkey.origin, { headers: { accept: BROWSER }, redirect: 'manual' });
    expect(answer.headers.get('location')).toBe('/graphql');
  } finally {
    await latchkey.close();
  }
});

test('requires HTTPS if HTTPS is required', async () => {
  const latchkey = await startService({ env: { REQUIRE_HTTPS: 'true', TRUST_PROXY: '127.0.0.1' } });
  try {
    const through = (proto: string): Promise<Response> =>
      fetch(`${latchkey.origin}/dashboard/`, {
        headers: { accept: BROWSER, 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': proto },
      });
    expect([(await through('https')).status, (await through('http')).status]).toEqual([200, 403]);
  } finally {
    await latchkey.close();
  }
});

describe('with a dashboard client in the configuration', () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-dashboard-'));
  const path = join(dir, 'latchkey.yaml');
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('shows how to sign in at the issuer, and lets the page call it; without the issuer, the rest works', async () => {
    const issuer = await startIssuer();
    const text = (more: string) => `auth: { oidc: { issuer: "${issuer.url}", audience: "${AUDIENCE}"${more} } }`;
    writeFileSync(
      path,
      text(', dashboard: { client_id: dash, scopes: [openid, admin], audience_parameter: audience }'),
    );
    const clock = { now: Date.now() };
    const latchkey = await startService({ env: { LATCHKEY_CONFIG: path }, now: () => clock.now });
    const config = async () => (await answerOf(await fetch(`${latchkey.origin}/dashboard/config.json`))).body.oidc;
    const connect = async () => {
      const { headers } = await fetch(`${latchkey.origin}/dashboard/`);
      return /connect-src ([^;]+)/.exec(headers.get('content-security-policy') ?? '')?.[1];
    };
    const asked = () => issuer.requests.filter((url) => url.includes('openid-configuration')).length;
    try {
      await issuer.leave();
      expect((await config()).endpoints).toBeNull();
      expect(await connect()).toBe("'self'");
      await issuer.comeBack();
      // Not requested again immediately: otherwise visitors could cause many requests.
      expect([(await config()).endpoints, asked()]).toEqual([null, 0]);
      clock.now += 30_000;
      expect(await config()).toEqual({
        issuer: issuer.url,
        clientId: 'dash',
        scopes: ['openid', 'admin'],
        audience: AUDIENCE,
        audienceParameter: 'audience',
        endpoints: {
          authorization: `${issuer.url}/auth`,
          token: `${issuer.url}/token`,
          endSession: `${issuer.url}/session/end`,
          revocation: `${issuer.url}/token/revocation`,
          idTokenAlgorithms: ['ES256'],
        },
      });
      expect(await connect()).toBe(`'self' ${issuer.url}`);
      expect(asked()).toBe(1);
      // The cached endpoints are used while it is unavailable again.
      await issuer.leave();
      clock.now += 3_600_000;
      expect((await config()).endpoints.token).toBe(`${issuer.url}/token`);
      await issuer.comeBack();
      (await latchkey.service.latchkey.prepare(NO_CONFIGURATION))();
      expect(await config()).toBeNull();
    } finally {
      await latchkey.close();
      await issuer.leave();
    }
  });

  it.each([
    ['client_id: ""', 'client_id is not allowed. Allowed: the ID of a public client'],
    ['scopes: [openid]', 'client_id is missing'],
    ['client_id: dash, scopes: []', 'scopes is not allowed. Allowed: a list of 1 to 100 scopes'],
    ['client_id: dash, scopes: ["two words"]', 'scopes[0] is not allowed. Allowed: a scope of the issuer'],
    [
      'client_id: dash, audience_parameter: both',
      'audience_parameter is not allowed. Allowed: resource, audience, none',
    ],
    [
      'client_id: dash, client_secret: x',
      'client_secret is not known. Allowed: a map with client_id, scopes, audience_parameter',
    ],
  ])('the server does not start with %s', async (section, fault) => {
    writeFileSync(path, `auth: { oidc: { issuer: "https://auth.example", audience: x, dashboard: { ${section} } } }`);
    await expect(startService({ env: { LATCHKEY_CONFIG: path } })).rejects.toThrow(`auth.oidc.dashboard.${fault}`);
  });
});
