import { jest } from '@jest/globals';
import { run, runExample, type Ran } from '../support/run.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

// A test starts up to a dozen processes, and may have little of the machine.
jest.setTimeout(120_000);

const HERE = 'workspace-scopes';

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
    await expectSession(sessionOf(documentOf(`examples/${HERE}/README.md`)), { env });
  });

  it('gives a key one or several scopes, each with what it says, and admin with both others', async () => {
    expect(await statusesOf((await key('read:all')).token)).toEqual([200, 403, 403, 403]);
    expect(await statusesOf((await key('write:all')).token)).toEqual([403, 200, 403, 403]);
    expect(await statusesOf((await key('read:all', 'write:all')).token)).toEqual([200, 200, 403, 403]);
    expect(await statusesOf((await key('admin')).token)).toEqual([200, 200, 200, 200]);
  });

  it('knows no scopes but the three, and what they cover', async () => {
    await expect(key('platform')).rejects.toThrow('may hold read:all, write:all, admin and what that covers');
    await expect(key('everything')).rejects.toThrow('There is no such scope');
    await expect(key()).rejects.toThrow('A key holds 1 to 100 scopes');
  });

  it('finds a key by the name that tells its purpose', async () => {
    await createKey(latchkey, { name: 'ci-pipeline' });
    const { body } = await latchkey.query('{ apiKeys(filter: { nameContains: "pipeline" }) { nodes { name } } }');
    expect(body.data.apiKeys.nodes).toEqual([{ name: 'ci-pipeline' }]);
  });

  it('answers 401 to a key that is missing, malformed, holds white space or was revoked', async () => {
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

  it('answers 403 until the scope is added to the key', async () => {
    const { token } = await key('read:all');
    expect((await js(token, WRITE)).stderr).toMatch(/^403 Forbidden: the key lacks write:assets\./);
    const { stdout } = await runExample(`${HERE}/add-scope.js`, ['production-backend', 'write:all'], {
      LATCHKEY_URL: latchkey.url,
      LATCHKEY_API_KEY: latchkey.adminToken,
    });
    expect(stdout).toBe('production-backend: read:all write:all\n');
    expect((await js(token, WRITE)).stdout).toBe('{"registerAsset":{"name":"orders"}}\n');
  });

  it('answers 429 with the seconds after which the request passes', async () => {
    const { token } = await key('read:all');
    for (let i = 0; i < 25; i += 1) expect((await latchkey.query('{ assets { name } }', { token })).status).toBe(200);
    expect((await js(token, '{ assets { name } }')).stderr).toBe('429 Too Many Requests: come again in 1 s.\n');
    expect((await curl(token)).stdout).toMatch(/status=429 retry-after=1\n$/);
    now += 1000;
    expect((await curl(token)).stdout).toMatch(/status=200 retry-after=\n$/);
  });
});
