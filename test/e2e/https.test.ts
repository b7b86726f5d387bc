import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBase62 } from '../../src/core/keys/token.js';
import { withChecksum } from '../core/auth/harness.js';
import { selfSigned, writeCertificate } from '../support/certificate.js';
import { MAIN, runFile, type Child } from '../support/child.js';
import { askOverTls } from '../support/https.js';
import { answerOf, createKey, startService, type Answer, type TestService } from '../support/service.js';
import { until } from '../support/until.js';
import { refusalOf } from './operations.js';

const WHO = '{ viewer { scopes } }';
const REGISTER = 'mutation { registerAsset(input: { name: "sent.in_clear" }) { name } }';
const FOUND = '{ asset(name: "sent.in_clear") { name } }';
const HSTS = 'strict-transport-security';
const REMOTE = '203.0.113.9';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-https-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The token of a key with some other secret, checksum and all. */
const withOtherSecret = (token: string): string => withChecksum(token.slice(0, -38) + randomBase62(32));

/** Like from another machine over plain HTTP. */
async function fromAfar(
  { service: { server }, adminToken }: TestService,
  { url = '/graphql', query = WHO, token = adminToken, headers = {}, address = REMOTE, method = 'POST' } = {},
): Promise<Answer> {
  const {
    statusCode,
    headers: fields,
    body,
  } = await server.inject({
    method: method as 'POST',
    url,
    remoteAddress: address,
    headers: { ...(token !== '' && { authorization: `Bearer ${token}` }), ...headers },
    ...(method === 'POST' && { payload: { query } }),
  });
  const text = statusCode === 204 ? null : body;
  return answerOf(new Response(text, { status: statusCode, headers: fields as Record<string, string> }));
}

describe('if HTTPS is required', () => {
  let latchkey: TestService;
  beforeAll(async () => {
    latchkey = await startService({
      env: {
        REQUIRE_HTTPS: 'true',
        DEFAULT_TIER: 'ENTERPRISE',
        CORS_ORIGINS: '*',
        KEY_PEPPER: 'pepper-of-these-tests-32-characters',
        AUTH_CACHE_TTL: '0',
      },
    });
  });
  afterAll(() => latchkey.close());

  it('refuses plain HTTP from another machine with a remedy, and nothing runs', async () => {
    const refused = await fromAfar(latchkey, { query: REGISTER });
    expect([refused.status, refusalOf(refused)]).toEqual([403, { code: 'HTTPS_REQUIRED' }]);
    expect(refused.body.errors[0].message).toMatch(
      /This API requires HTTPS\. Use its https address, and replace a key/,
    );
    expect(refused.headers.get(HSTS)).toBeNull();
    expect(refused.headers.get('www-authenticate')).toBeNull();
    expect(refused.headers.get('ratelimit')).toBeNull();
    expect((await latchkey.query(FOUND)).body).toEqual({ data: { asset: null } });
    expect((await latchkey.query(REGISTER)).body.data).toEqual({ registerAsset: { name: 'sent.in_clear' } });
  });

  it('the response is the same for valid and invalid keys', async () => {
    const [right, wrong, none] = [
      await fromAfar(latchkey),
      await fromAfar(latchkey, { token: 'nonsense' }),
      await fromAfar(latchkey, { headers: { authorization: '' } }),
    ];
    expect([wrong.text, none.text]).toEqual([right.text, right.text]);
    expect([right.status, wrong.status, none.status]).toEqual([403, 403, 403]);
  });

  it('a key in the URL of a stream counts as sent over plain HTTP', async () => {
    const { token, id } = await createKey(latchkey);
    const query = new URLSearchParams({ query: 'subscription { assetChanged { name } }', api_key: token }).toString();
    const refused = await fromAfar(latchkey, {
      method: 'GET',
      url: `/graphql/stream?${query}`,
      headers: { accept: 'text/event-stream' },
      token: '',
    });
    expect([refused.status, refusalOf(refused).code]).toEqual([403, 'HTTPS_REQUIRED']);
    await latchkey.service.latchkey.gathered.flush();
    const { body } = await latchkey.query(
      'query ($id: ID!) { auditLog(filter: { actions: [KEY_SENT_IN_CLEAR], subject: $id }) { nodes { address } } }',
      { variables: { id } },
    );
    expect(body.data.auditLog.nodes).toEqual([{ address: REMOTE }]);
  });

  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])(
    'accepts a caller on this machine, as %s',
    async (address) => {
      const answer = await fromAfar(latchkey, { address });
      expect([answer.status, answer.headers.get(HSTS)]).toEqual([200, null]);
    },
  );

  it.each(['::ffff:203.0.113.9', '1127.0.0.1', '::1:1', '10.127.0.1'])(
    'refuses a similar address, %j',
    async (address) => {
      expect((await fromAfar(latchkey, { address })).status).toBe(403);
    },
  );

  // A proxy on this machine that TRUST_PROXY does not name would otherwise make everybody a caller on this machine.
  it.each(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'])(
    'refuses a caller that %s marks as forwarded',
    async (name) => {
      const value = name === 'x-forwarded-proto' ? 'https' : 'for=203.0.113.9;proto=https';
      const answer = await latchkey.query(WHO, { headers: { [name]: value } });
      expect(refusalOf(answer)).toEqual({ code: 'HTTPS_REQUIRED' });
    },
  );

  it('only probes work over plain HTTP: no page, schema, metrics or preflight', async () => {
    for (const url of ['/healthz', '/readyz']) {
      const probe = await fromAfar(latchkey, { url, method: 'GET' });
      expect([url, probe.status, probe.headers.get(HSTS)]).toEqual([url, 200, null]);
    }
    for (const url of ['/', '/graphql', '/schema.graphql', '/metrics', '/nothing', '/healthz/']) {
      const answer = await fromAfar(latchkey, { url, method: 'GET', headers: { accept: 'text/html' } });
      expect([url, answer.status, refusalOf(answer).code]).toEqual([url, 403, 'HTTPS_REQUIRED']);
      expect(answer.headers.get('location')).toBeNull();
    }
    const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
    expect((await fromAfar(latchkey, { method: 'OPTIONS', headers: preflight })).status).toBe(403);
  });

  it('the check of keys over plain HTTP is limited: five bcrypt runs a minute, then they count as failures', async () => {
    const { token, id } = await createKey(latchkey);
    // The state of a key after its pepper was lost: only bcrypt can verify it.
    await latchkey.service.store.keys.saveDigest(id, `00000000.${'A'.repeat(43)}`);
    const { comparisons: before } = latchkey.service.latchkey.bcrypt.counts;
    const wrong = await Promise.all(
      Array.from({ length: 50 }, () => fromAfar(latchkey, { token: withOtherSecret(token) })),
    );
    expect(wrong.map(({ status }) => status)).toEqual(Array(50).fill(403));
    expect(latchkey.service.latchkey.bcrypt.counts.comparisons).toBe(before + 5);

    const other = await createKey(latchkey);
    for (let i = 0; i < 20; i += 1) await fromAfar(latchkey, { token: withOtherSecret(other.token) });
    const local = await latchkey.query(WHO, { token: withOtherSecret(other.token) });
    expect([local.status, refusalOf(local).code]).toEqual([429, 'RATE_LIMITED']);
  });
});

describe('X-Forwarded-Proto', () => {
  const start = (proxy: string) =>
    startService({ env: { REQUIRE_HTTPS: 'true', TRUST_PROXY: proxy, DEFAULT_TIER: 'ENTERPRISE' } });
  let trusting: TestService;
  let doubting: TestService;
  beforeAll(async () => {
    trusting = await start('127.0.0.1');
    doubting = await start('10.0.0.0/8');
  });
  afterAll(async () => {
    await trusting.close();
    await doubting.close();
  });
  const proto = (value: string) => ({ headers: { 'x-forwarded-for': REMOTE, 'x-forwarded-proto': value } });

  it('is used only from a proxy in TRUST_PROXY', async () => {
    const admitted = await trusting.query(REGISTER, proto('https'));
    expect([admitted.status, admitted.headers.get(HSTS)]).toEqual([200, 'max-age=31536000']);
    expect((await trusting.query(FOUND, proto('https'))).body.data.asset).toEqual({ name: 'sent.in_clear' });

    const refused = await doubting.query(REGISTER, proto('https'));
    expect([refused.status, refusalOf(refused).code, refused.headers.get(HSTS)]).toEqual([403, 'HTTPS_REQUIRED', null]);
    expect((await doubting.query(FOUND)).body).toEqual({ data: { asset: null } });
  });

  it.each([
    ['https', 200],
    ['HTTPS', 200],
    ['http, https', 200],
    ['https, http', 403],
    ['http', 403],
    ['', 403],
    ['httpss', 403],
    ['wss', 403],
  ])('as %j: the value of the nearest proxy is used', async (value, status) => {
    expect((await trusting.query(WHO, proto(value))).status).toBe(status);
  });

  it('every response has HSTS, including refusals and pages', async () => {
    for (const [url, init] of [
      [
        trusting.url,
        { method: 'POST', headers: { 'content-type': 'application/json', ...proto('https').headers }, body: '{}' },
      ],
      [`${trusting.origin}/nothing`, proto('https')],
      [trusting.url, { headers: { accept: 'text/html', ...proto('https').headers } }],
    ] as const) {
      const answer = await fetch(url, init);
      await answer.text();
      expect(answer.headers.get(HSTS)).toBe('max-age=31536000');
    }
  });
});

test('production requires HTTPS unless REQUIRE_HTTPS says otherwise; elsewhere nothing is refused, and HSTS is not sent', async () => {
  const statusIn = async (env: Record<string, string>): Promise<readonly unknown[]> => {
    const latchkey = await startService({ env: { TRUST_PROXY: '127.0.0.1', ...env } });
    try {
      const behind = await latchkey.query(WHO, { headers: { 'x-forwarded-proto': 'https' } });
      return [(await fromAfar(latchkey)).status, behind.status, behind.headers.get(HSTS)];
    } finally {
      await latchkey.close();
    }
  };
  expect(await statusIn({ NODE_ENV: 'production' })).toEqual([403, 200, 'max-age=31536000']);
  expect(await statusIn({ NODE_ENV: 'production', REQUIRE_HTTPS: 'false' })).toEqual([200, 200, null]);
  expect(await statusIn({})).toEqual([200, 200, null]);
});

test('with its own certificate the server uses TLS, and ignores plain HTTP', async () => {
  const pair = selfSigned();
  const latchkey = await startService({
    env: { ...writeCertificate(dir, pair), REQUIRE_HTTPS: 'true' },
  });
  try {
    expect(latchkey.url).toMatch(/^https:/);
    const { status, headers, body } = await askOverTls(latchkey.url, pair, WHO, { token: latchkey.adminToken });
    expect([status, headers[HSTS], body.data.viewer.scopes]).toEqual([200, 'max-age=31536000', ['admin']]);
    await expect(askOverTls(latchkey.url, selfSigned(), WHO, { token: latchkey.adminToken })).rejects.toThrow(
      'self-signed',
    );
    await expect(fetch(latchkey.url.replace('https', 'http'))).rejects.toThrow();
    // A proxy may have received a request over plain HTTP, even if it uses TLS to the server; here there is none.
    const claimed = await askOverTls(latchkey.url, pair, WHO, {
      token: latchkey.adminToken,
      headers: { 'x-forwarded-proto': 'http' },
    });
    expect(claimed.status).toBe(200);
  } finally {
    await latchkey.close();
  }
});

test('a start that can only serve callers on this machine logs a warning', async () => {
  const warned = async (env: Record<string, string>): Promise<boolean> => {
    const latchkey = await startService({ env });
    await latchkey.close();
    return latchkey.logs.some((line) =>
      line.includes('HTTPS is required, but neither the server nor a proxy provides it'),
    );
  };
  expect(await warned({ NODE_ENV: 'production' })).toBe(true);
  expect(await warned({ NODE_ENV: 'production', TRUST_PROXY: '10.0.0.1' })).toBe(false);
  expect(await warned({ NODE_ENV: 'production', ...writeCertificate(dir, selfSigned()) })).toBe(false);
  expect(await warned({})).toBe(false);
});

describe('npm start', () => {
  let child: Child;
  afterEach(() => child.stop('SIGKILL'));
  const start = (env: Record<string, string>, place: string): void => {
    child = runFile(MAIN, { PORT: '0', DATA_DIR: join(dir, place), BCRYPT_COST: '4', ...env });
  };
  const logged = (text: string): Promise<unknown> =>
    until(() => child.output().stderr.includes(text), `the log says ${text}`);

  it('fails with one line for a mismatched key and certificate, before a first key is created', async () => {
    const files = writeCertificate(dir, { cert: selfSigned().cert, key: selfSigned().key });
    start(files, 'bad-pair');
    if (child.process.exitCode === null) await once(child.process, 'exit');
    expect(child.process.exitCode).toBe(1);
    expect(child.output()).toEqual({
      stdout: '',
      stderr: `The server did not start. TLS_KEY: ${files.TLS_KEY} is not the key of the certificate in ${files.TLS_CERT}. Use a matching pair, with the server's certificate first in its file.\n`,
    });
    writeCertificate(dir, selfSigned());
    start(files, 'bad-pair');
    await child.waitFor(/Admin key: /);
  });

  it('SIGHUP renews the certificate; an invalid one keeps the old one, with one log line that has the reason', async () => {
    const [first, second] = [selfSigned(), selfSigned()];
    const files = writeCertificate(dir, first);
    start(files, 'renewal');
    const [, url = ''] = await child.waitFor(/listens on (https:\S+)/);
    const [, token = ''] = await child.waitFor(/Admin key: (\S+)/);
    const status = async (pair: typeof first): Promise<number> => (await askOverTls(url, pair, WHO, { token })).status;
    expect(await status(first)).toBe(200);

    writeCertificate(dir, second);
    child.process.kill('SIGHUP');
    await logged('configuration reloaded');
    expect(await status(second)).toBe(200);
    await expect(status(first)).rejects.toThrow('self-signed');

    writeCertificate(dir, { cert: first.cert, key: second.key });
    child.process.kill('SIGHUP');
    await logged('reload failed; keeping the previous configuration');
    expect(child.output().stderr).toContain('is not the key of the certificate');
    expect(await status(second)).toBe(200);

    // A connection that sends nothing must not delay the end.
    const mute = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
    await once(mute, 'connect');
    expect(await child.stop('SIGTERM')).toBe(0);
    mute.destroy();
  });
});
