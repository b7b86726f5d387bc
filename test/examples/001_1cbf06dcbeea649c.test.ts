import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { selfSigned, writeCertificate } from '../support/certificate.js';
import { askOverTls } from '../support/https.js';
import { run, runExample, type Ran } from '../support/run.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

const HERE = 'workspace-scopes';
const [HTTP_PART = '', HTTPS_PART = ''] = documentOf(`examples/${HERE}/README.md`).split('## HTTPS only');

let latchkey: TestService;
let now: number;
beforeEach(async () => {
  now = Date.now();
  latchkey = await startService({
    env: { LATCHKEY_CONFIG: `examples/${HERE}/latchkey.yaml` },
    now: () => now,
  });
});
afterEach(() => latchkey.close());

const ALL = '{ assets { name } users { nodes { name } } projects { nodes { name } } workspace { name tier } }';
const WRITE = 'mutation { registerAsset(input: { name: "orders" }) { name } }';
const TEAM = 'mutation { addUser(input: { name: "Ada", roles: ["reader"] }) { user { name } } }';
const KEYS = '{ apiKeys { totalCount } }';

const key = async (...scopes: string[]) => createKey(latchkey, { name: 'production-backend', scopes });
const statusesOf = (token: string): Promise<number[]> =>
  Promise.all([ALL, WRITE, TEAM, KEYS].map(async (query) => (await latchkey.query(query, { token })).status));
const js = (token: string, query = ALL): Promise<Ran> =>
  runExample(`${HERE}/request.js`, [query], { LATCHKEY_URL: latchkey.url, LATCHKEY_API_KEY: token });
const curl = (token: string, query = '{ assets { name } }'): Promise<Ran> =>
  run(`examples/${HERE}/request.sh`, [query], { env: { LATCHKEY_URL: latchkey.url, API_KEY: token } });

describe('001_1cbf06dcbeea649c', () => {
  it('runs its README as written', async () => {
    const env = { ADMIN: latchkey.adminToken, LATCHKEY_URL: latchkey.url };
    await expectSession(sessionOf(HTTP_PART), { env });
  });

  it('gives a key one or several scopes, with the documented access, and admin includes both others', async () => {
    expect(await statusesOf((await key('read:all')).token)).toEqual([200, 403, 403, 403]);
    expect(await statusesOf((await key('write:all')).token)).toEqual([403, 200, 403, 403]);
    expect(await statusesOf((await key('read:all', 'write:all')).token)).toEqual([200, 200, 403, 403]);
    expect(await statusesOf((await key('admin')).token)).toEqual([200, 200, 200, 200]);
  });

  it('has only the three scopes, and the scopes that they cover', async () => {
    await expect(key('platform')).rejects.toThrow('Allowed: scopes covered by read:all, write:all, admin.');
    await expect(key('everything')).rejects.toThrow('There is no such scope');
    await expect(key()).rejects.toThrow('A key has 1 to 100 scopes');
  });

  it('finds a key by its name', async () => {
    await createKey(latchkey, { name: 'ci-pipeline' });
    const { body } = await latchkey.query('{ apiKeys(filter: { nameContains: "pipeline" }) { nodes { name } } }');
    expect(body.data.apiKeys.nodes).toEqual([{ name: 'ci-pipeline' }]);
  });

  it('returns 401 for a key that is missing, malformed, contains white space or was revoked', async () => {
    const { token, id } = await key('read:all');
    const half = `${token.slice(0, 20)} ${token.slice(20)}`;
    for (const wrong of ['', token.slice(0, -1), `${token}0`, half, 'YOUR_API_KEY']) {
      expect([wrong, (await js(wrong)).stderr]).toEqual([wrong, expect.stringMatching(/^401 Unauthorized: /)]);
    }
    expect((await curl(token)).stdout).toBe('{"data":{"assets":[]}}\n\nstatus=200 retry-after=\n');
    await latchkey.query(`mutation { revokeApiKey(input: { id: "${id}" }) { apiKey { id } } }`);
    expect((await js(token)).stderr).toMatch(/^401 Unauthorized: /);
    expect((await curl(token)).stdout).toMatch(/status=401 retry-after=\n$/);
  });

  it('returns 403 until the scope is added to the key', async () => {
    const { token } = await key('read:all');
    expect((await js(token, WRITE)).stderr).toMatch(/^403 Forbidden: the key lacks write:assets\./);
    const { stdout } = await runExample(`${HERE}/add-scope.js`, ['production-backend', 'write:all'], {
      LATCHKEY_URL: latchkey.url,
      LATCHKEY_API_KEY: latchkey.adminToken,
    });
    expect(stdout).toBe('production-backend: read:all write:all\n');
    expect((await js(token, WRITE)).stdout).toBe('{"registerAsset":{"name":"orders"}}\n');
  });

  it('returns 429 with the seconds after which the request is accepted', async () => {
    const { token } = await key('read:all');
    for (let i = 0; i < 25; i += 1) expect((await latchkey.query('{ assets { name } }', { token })).status).toBe(200);
    expect((await js(token, '{ assets { name } }')).stderr).toBe('429 Too Many Requests: come again in 1 s.\n');
    expect((await curl(token)).stdout).toMatch(/status=429 retry-after=1\n$/);
    now += 1000;
    expect((await curl(token)).stdout).toMatch(/status=200 retry-after=\n$/);
  });

  describe('if HTTPS is required', () => {
    const LATCHKEY_CONFIG = `examples/${HERE}/latchkey.yaml`;

    it('refuses plain HTTP from another machine with a remedy, and runs nothing', async () => {
      const strict = await startService({ env: { LATCHKEY_CONFIG, REQUIRE_HTTPS: 'true' } });
      // Passes requests to the server as if they came from another machine.
      const relay = createServer((request, response) => {
        void text(request).then(async (payload) => {
          const { statusCode, body } = await strict.service.server.inject({
            method: 'POST',
            url: '/graphql',
            remoteAddress: '203.0.113.9',
            headers: { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' },
            payload,
          });
          response.writeHead(statusCode).end(body);
        });
      }).listen(0, '127.0.0.1');
      try {
        await once(relay, 'listening');
        const url = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
        const { token } = await createKey(strict, { scopes: ['read:all', 'write:all'] });
        const env = { LATCHKEY_URL: url, LATCHKEY_API_KEY: token, API_KEY: token };
        const refused = await runExample(`${HERE}/request.js`, [WRITE], env);
        expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/^403 Forbidden: use the https/)]);
        const curled = await run(`examples/${HERE}/request.sh`, ['{ assets { name } }'], { env });
        expect(curled.stdout).toMatch(/"code":"HTTPS_REQUIRED".*\nstatus=403 retry-after=\n$/);
        expect((await strict.query('{ assets { name } }')).body.data).toEqual({ assets: [] });
      } finally {
        relay.close();
        await strict.close();
      }
    });

    it('responds over TLS with its own certificate, as its README says', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'latchkey-example-'));
      const certificate = selfSigned();
      const files = writeCertificate(dir, certificate);
      const strict = await startService({ env: { LATCHKEY_CONFIG, REQUIRE_HTTPS: 'true', ...files } });
      try {
        const { url, adminToken } = strict;
        const { status, headers } = await askOverTls(url, certificate, '{ assets { name } }', { token: adminToken });
        expect([status, headers['strict-transport-security']]).toEqual([200, 'max-age=31536000']);
        const env = { ADMIN: adminToken, LATCHKEY_URL: url, CERT: files.TLS_CERT };
        await expectSession(sessionOf(HTTPS_PART), { env });
      } finally {
        await strict.close();
        rmSync(dir, { recursive: true, force: true });
      }
    });
  });
});
