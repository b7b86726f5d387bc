import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { isBuilt } from '../../support/built.js';
import { selfSigned, writeCertificate } from '../../support/certificate.js';
import { LOADER, MAIN, runFile, type Child } from '../../support/child.js';
import { startProxy, type ConnectProxy } from '../../support/connectProxy.js';
import { run } from '../../support/run.js';
import { OPERATOR_KEY } from '../../support/service.js';

// The programs, each in a separate process, with a server and an issuer that only the proxy can reach, over TLS.
const API = 'api.example.test';
const ISSUER = 'issuer.example.test';
const USER = 'me:hunter2';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-proxy-'));
const tls = { api: selfSigned(API), issuer: selfSigned(ISSUER) };
const cas = join(dir, 'cas.pem');
let proxy: ConnectProxy;
let issuer: Server;
let issuerUrl: string;
let server: Child;
let url: string;
let token: string;
const asked: string[] = [];

/** The metadata of the tests' issuer; null: a redirect to an address of this machine. */
let redirects = false;

beforeAll(async () => {
  writeFileSync(cas, tls.api.cert + tls.issuer.cert);
  proxy = await startProxy(USER);
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  issuer = createServer(tls.issuer, (request, response) => {
    asked.push(request.url ?? '');
    if (redirects) return void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    void exportJWK(publicKey).then((jwk) => {
      const keys = { keys: [{ ...jwk, kid: '1', alg: 'ES256' }] };
      response.end(
        JSON.stringify(request.url === '/jwks' ? keys : { issuer: issuerUrl, jwks_uri: `${issuerUrl}/jwks` }),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  issuerUrl = `https://${ISSUER}:${(issuer.address() as AddressInfo).port}`;
  token = await new SignJWT({ scope: 'read:assets' })
    .setProtectedHeader({ alg: 'ES256', kid: '1' })
    .setIssuer(issuerUrl)
    .setAudience('api')
    .setSubject('me')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  server = await start('one', { HTTPS_PROXY: proxy.url });
  url = `https://${API}:${portOf(server)}/graphql`;
});
afterAll(async () => {
  await server.stop('SIGKILL');
  issuer.close();
  await proxy.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  proxy.requests.splice(0);
  asked.splice(0);
});

async function start(name: string, env: Record<string, string>): Promise<Child> {
  const file = join(dir, `${name}.yaml`);
  writeFileSync(file, `auth: { oidc: { enabled: true, issuer: "${issuerUrl}", audience: api } }\n`);
  const child = runFile(MAIN, {
    PORT: '0',
    DATA_DIR: join(dir, name),
    LATCHKEY_CONFIG: file,
    ADMIN_API_KEY: OPERATOR_KEY,
    BCRYPT_COST: '4',
    NODE_EXTRA_CA_CERTS: cas,
    ...writeCertificate(dir, tls.api),
    ...env,
  });
  await child.waitFor(/listens on https:\S+/);
  return child;
}

const portOf = (child: Child): string => /listens on \S+:(\d+)\//.exec(child.output().stdout)?.[1] ?? '';

/** The command line, with a key for the API. */
const cli = (env: Record<string, string>, ...args: string[]) =>
  run(process.execPath, isBuilt ? ['dist/cli/main.js', ...args] : ['--import', LOADER, 'src/cli/main.ts', ...args], {
    env: { LATCHKEY_URL: url, LATCHKEY_API_KEY: OPERATOR_KEY, NODE_EXTRA_CA_CERTS: cas, ...env },
  });
const target = () => new URL(url).host;

test.each(['HTTPS_PROXY', 'https_proxy'])('latchkey whoami uses the tunnel of %s, and ends', async (name) => {
  const { status, stdout, stderr } = await cli({ [name]: proxy.url }, 'whoami', '--json');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('"platform"');
  expect(proxy.requests).toEqual([`CONNECT ${target()}`]);
});

test('latchkey schema, which reads another address than the API, uses it too', async () => {
  const { status, stdout } = await cli({ HTTPS_PROXY: proxy.url }, 'schema', 'print');
  expect([status, stdout]).toEqual([0, expect.stringContaining('type Query')]);
  expect(proxy.requests).toEqual([`CONNECT ${target()}`]);
});

test.each([
  ['no password', () => ({ HTTPS_PROXY: `http://${proxy.host}` }), 6, 'requires credentials (407)'],
  [
    'a wrong one',
    () => ({ HTTPS_PROXY: `http://me:hunter3@${proxy.host}` }),
    6,
    'does not accept the credentials (407)',
  ],
  [
    'a bad URL',
    () => ({ https_proxy: 'socks5://me:hunter2@proxy' }),
    2,
    'https_proxy has a scheme that is not supported.',
  ],
])('latchkey with %s of a proxy prints one line, without the password', async (_, env, code, message) => {
  for (const command of [['whoami'], ['schema', 'print']]) {
    const { status, stdout, stderr } = await cli(env(), ...command);
    expect([status, stdout, stderr]).toEqual([code, '', expect.stringContaining(message)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toMatch(/hunter/);
  }
});

test('names a proxy that is down, and does not use it for NO_PROXY', async () => {
  const env = { HTTPS_PROXY: `http://${USER}@127.0.0.1:1` };
  const down = await cli(env, 'whoami', '--max-wait', '5');
  expect([down.status, down.stderr]).toEqual([6, expect.stringContaining('127.0.0.1:1')]);
  const refused = await cli(env, 'whoami');
  expect([refused.status, refused.stderr]).toEqual([
    6,
    expect.stringMatching(
      /^\S+ cannot be reached through the proxy 127\.0\.0\.1:1 \(HTTPS_PROXY\): ECONNREFUSED\. [^\n]+\n$/,
    ),
  ]);
  const past = await cli({ ...env, no_proxy: API }, 'whoami', '--max-wait', '1');
  expect(past.stderr).not.toContain('proxy');
  expect(proxy.requests).toEqual([]);
});

test('commands without requests do not read the proxy', async () => {
  expect((await cli({ HTTPS_PROXY: 'socks5://x' }, '--version')).status).toBe(0);
});

const viewer = (child: Child, bearer: string, wait = '2') =>
  cli(
    { LATCHKEY_URL: `https://127.0.0.1:${portOf(child)}/graphql`, LATCHKEY_API_KEY: bearer },
    'whoami',
    '--json',
    '--max-wait',
    wait,
  );

test('the server reads the issuer and its keys through the tunnel', async () => {
  const { status, stdout, stderr } = await viewer(server, token, '60');
  expect([status, stdout, stderr]).toEqual([0, expect.stringContaining('read:assets'), '']);
  expect(asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
  expect(new Set(proxy.requests)).toEqual(new Set([`CONNECT ${new URL(issuerUrl).host}`]));
  expect(server.output().stderr).not.toMatch(/hunter2|proxy-auth/i);
});

test.each([
  ['NO_PROXY names the issuer', () => ({ HTTPS_PROXY: proxy.url, NO_PROXY: ISSUER })],
  ['only HTTP_PROXY is set', () => ({ HTTP_PROXY: proxy.url })],
])('the server sends requests directly if %s', async (_, env) => {
  const direct = await start('direct', env());
  try {
    // There is no such host.
    const { status, stdout } = await viewer(direct, token);
    expect([status, stdout]).toEqual([6, '']);
    expect([proxy.requests, asked]).toEqual([[], []]);
  } finally {
    await direct.stop('SIGKILL');
  }
});

test('the server follows no redirect behind a proxy', async () => {
  redirects = true;
  const redirected = await start('redirected', { HTTPS_PROXY: proxy.url });
  try {
    expect((await viewer(redirected, token)).status).toBe(6);
    expect(asked.every((path) => path === '/.well-known/openid-configuration')).toBe(true);
    expect(redirected.output().stderr).toContain('instead of 200');
  } finally {
    redirects = false;
    await redirected.stop('SIGKILL');
  }
});

test('if the proxy refuses, the log contains the reason without the password', async () => {
  const refused = await start('refused', { HTTPS_PROXY: `http://me:hunter3@${proxy.host}` });
  try {
    const { status, stderr } = await viewer(refused, token);
    expect(status).toBe(6);
    expect(stderr).not.toContain('proxy');
    expect(refused.output().stderr).toContain(
      `The proxy ${proxy.host} (HTTPS_PROXY) does not accept the credentials (407)`,
    );
    expect(refused.output().stderr).not.toMatch(/hunter|bWU6/);
  } finally {
    await refused.stop('SIGKILL');
  }
});

test('refuses to start with one line if the proxy is invalid', async () => {
  const child = runFile(MAIN, { PORT: '0', DATA_DIR: join(dir, 'bad'), HTTPS_PROXY: 'http://u:hunter2@host:99999' });
  const [code] = (await once(child.process, 'close')) as [number];
  expect([code, child.output().stderr]).toEqual([1, expect.stringContaining('HTTPS_PROXY is not the URL of a proxy.')]);
  expect(child.output().stderr).not.toContain('hunter2');
});
