import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/server/settings/settings.js';
import { CLIENT, startIssuer, type Issuer } from '../support/issuer.js';
import { runExample, type Ran } from '../support/run.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

const HERE = 'data-freshness';
const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

const [KEYS_PART = '', TOKENS_PART = ''] = documentOf(`examples/${HERE}/README.md`).split('## OAuth 2.1');

const directory = mkdtempSync(join(tmpdir(), 'latchkey-example-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let latchkey: TestService;
/** The service's clock. The scripts use the machine's clock. */
let now: number;
const start = async (tier = 'PROFESSIONAL'): Promise<void> => {
  now = Date.now();
  const env = {
    LATCHKEY_CONFIG: `examples/${HERE}/latchkey.yaml`,
    ADMIN_API_KEY: OPERATOR_KEY,
    DEFAULT_TIER: tier,
  };
  latchkey = await startService({ env, now: () => now });
};
afterEach(() => latchkey.close());

const key = (name: string, ...scopes: string[]): Promise<{ token: string; id: string }> =>
  createKey(latchkey, { name, scopes }, OPERATOR_KEY);

const script = (file: string, token: string, args: string[] = [], env: Record<string, string> = {}): Promise<Ran> =>
  runExample(`${HERE}/${file}.js`, args, { LATCHKEY_URL: latchkey.url, LATCHKEY_API_KEY: token, ...env });

const FRESHNESS = '{ assets { freshness { status } schema { version } upstream { name } alerts { kind } } }';
const REGISTER = 'mutation { registerAsset(input: { name: "orders", allowedAge: "PT1H" }) { name } }';
const KEYS = '{ apiKeys { totalCount } }';
const statusesOf = (token: string): Promise<number[]> =>
  Promise.all([FRESHNESS, REGISTER, KEYS].map(async (query) => (await latchkey.query(query, { token })).status));

describe('000_9aec6807129be322', () => {
  it('runs its README as written', async () => {
    await start('FREE_TRIAL');
    const env = { OPERATOR: OPERATOR_KEY, LATCHKEY_URL: latchkey.url, TMPDIR: directory };
    await expectSession(sessionOf(KEYS_PART), { env });
  });

  it('creates keys of the form aa_live_<random>', async () => {
    await start();
    expect((await key('Airflow Production', 'read-only')).token).toMatch(/^aa_live_[0-9A-Za-z]{54}$/);
  });

  it('lets read-only keys read, read-write keys also refresh, and admin keys do everything', async () => {
    await start();
    expect(await statusesOf((await key('monitoring', 'read-only')).token)).toEqual([200, 403, 403]);
    expect(await statusesOf((await key('dbt', 'read-write')).token)).toEqual([200, 200, 403]);
    expect(await statusesOf((await key('automation', 'admin')).token)).toEqual([200, 200, 200]);
  });

  it('stops a pipeline before it uses stale data, and lets it run after the load is recorded', async () => {
    await start();
    const { token: reader } = await key('Airflow Production', 'read-only');
    const { token: writer } = await key('dbt Production', 'read-write');
    await latchkey.query(REGISTER, { token: writer });
    const dbt = (): Promise<Ran> => {
      now += 60_000;
      return script('after-dbt', writer, [join('examples', HERE, 'run_results.json')]);
    };
    await latchkey.query('mutation { registerAsset(input: { name: "revenue" }) { name } }', { token: writer });
    expect(await dbt()).toMatchObject({ status: 0, stdout: 'orders loaded: FRESH\nrevenue refreshed: UNKNOWN\n' });
    expect(await script('preflight', reader, ['orders'])).toMatchObject({ status: 0 });
    now += HOUR + 1;
    const late = await script('preflight', reader, ['orders', 'nowhere']);
    expect([late.status, late.stdout]).toEqual([
      1,
      expect.stringMatching(/^orders STALE, loaded PT1H\S* ago\nnowhere NOT_REGISTERED\n$/),
    ]);
    await dbt();
    expect(await script('preflight', reader, ['orders'])).toMatchObject({ status: 0 });
    expect(await script('register', reader, ['mine'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^403 FORBIDDEN: .*write:assets/),
    });
  });

  it('rotates old keys with an overlap, and revokes old keys that are no longer used', async () => {
    await start();
    const admin = await key('automation', 'admin');
    now -= 100 * DAY;
    const old = await key('Airflow Production', 'read-only');
    now += 99 * DAY;
    const young = await key('dbt Production', 'read-only');
    const rotate = (env = {}): Promise<Ran> => script('rotate', admin.token, [directory], env);

    const first = await rotate();
    expect(first.stderr).toBe('');
    const [, made = ''] = /^rotated Airflow Production \S+: (key_\S+)\n$/.exec(first.stdout) ?? [];
    const path = join(directory, made);
    const token = readFileSync(path, 'utf8');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(first.stdout).not.toContain(token);
    expect(await Promise.all([old.token, token, young.token].map(async (each) => (await statusesOf(each))[0]))).toEqual(
      [200, 200, 200],
    );
    await latchkey.service.latchkey.usage.flush();

    // Both were used a day ago, and the service knows the time to the second.
    expect(await rotate({ IDLE_HOURS: '48' })).toEqual({ status: 0, stdout: '', stderr: '' });
    const later = await rotate({ IDLE_HOURS: '12' });
    expect(later.stdout).toBe(`revoked Airflow Production ${old.id}\n`);
    expect((await statusesOf(old.token))[0]).toBe(401);
    expect((await statusesOf(token))[0]).toBe(200);
    expect(readdirSync(directory).filter((name) => name.startsWith('key_'))).toContain(made);
    const refused = await script('rotate', young.token, [directory]);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('403 FORBIDDEN')]);
  });

  it('refuses a revoked key at the next request', async () => {
    await start();
    const { token, id } = await key('leaked', 'read-only');
    expect((await statusesOf(token))[0]).toBe(200);
    await latchkey.query(`mutation { revokeApiKey(input: { id: "${id}" }) { apiKey { status } } }`, {
      token: OPERATOR_KEY,
    });
    expect((await statusesOf(token))[0]).toBe(401);
    const { status, stderr } = await script('preflight', token, ['orders']);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^401 UNAUTHENTICATED: .*revoked/)]);
  });

  it('gives existing keys the new limits after an upgrade, and allows more keys', async () => {
    await start('FREE_TRIAL');
    const { token } = await key('Airflow Production', 'read-only');
    await expect(key('second', 'read-only')).rejects.toThrow('KEY_LIMIT_REACHED');
    const policy = async (): Promise<string | null> =>
      (await latchkey.query(FRESHNESS, { token })).headers.get('ratelimit-policy');
    expect(await policy()).toBe('"burst";q=2;w=1, "rate";q=20;w=60');
    for (const [tier, burst, rate] of [
      ['STARTER', 3, 30],
      ['GROWTH', 25, 500],
      ['PROFESSIONAL', 50, 1000],
      ['ENTERPRISE', 100, 5000],
    ] as const) {
      now += 1000;
      const { stdout } = await script('set-tier', OPERATOR_KEY, ['default', tier]);
      expect(stdout).toBe(`default ${tier}\n`);
      expect(await policy()).toBe(`"burst";q=${burst};w=1, "rate";q=${rate};w=60`);
    }
    await key('second', 'read-only');
  });

  it('returns the errors of its troubleshooting section: 401, 403, and 429 with Retry-After', async () => {
    await start('FREE_TRIAL');
    const { token } = await key('Airflow Production', 'read-only');
    const refusal = async (of: string, file = 'preflight'): Promise<string> =>
      (await script(file, of, ['orders', 'orders', 'orders'])).stderr;
    expect(await refusal('')).toMatch(/^401 UNAUTHENTICATED: /);
    expect(await refusal(`${token}x`)).toMatch(/^401 UNAUTHENTICATED: /);
    expect(await refusal(token, 'register')).toMatch(/^403 FORBIDDEN: .*write:assets/);
    // The third request within a second.
    expect(await refusal(token)).toMatch(/^429 RATE_LIMITED: .*\(Retry-After: 1\)\n$/);
    now += 1000;
    expect((await script('preflight', token, ['orders'])).stderr).toBe('');
  });

  describe('OAuth 2.1 for AI tools', () => {
    let issuer: Issuer;
    beforeAll(async () => {
      issuer = await startIssuer();
    });
    afterAll(() => issuer.leave());

    /** Its public address is known only when it listens, so it is set by a reload, like SIGHUP. */
    const startWith = async (host = '127.0.0.1'): Promise<Record<string, string>> => {
      latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
      const { configuration } = readSettings({
        LATCHKEY_CONFIG: `examples/${HERE}/with-issuer.yaml`,
        ISSUER: issuer.url,
        PUBLIC_URL: latchkey.origin.replace('127.0.0.1', host),
      });
      await latchkey.service.reconfigure(configuration);
      return { LATCHKEY_URL: latchkey.url, CLIENT_ID: CLIENT.client_id, CLIENT_SECRET: CLIENT.client_secret };
    };
    const tool = (env: Record<string, string>, scope: string, operation: string): Promise<Ran> =>
      runExample(`${HERE}/ai-tool.js`, [scope, operation], env);

    it('leads a client without a key to a token, as its README says', async () => {
      const env = await startWith();
      await expectSession(sessionOf(TOKENS_PART), { env: { ...env, LATCHKEY_API_KEY: 'unset by the README' } });
    });

    it('requires a credential, and accepts tokens and keys, each with its scopes', async () => {
      const env = await startWith();
      issuer.requests.splice(0);
      const asked = await tool(env, 'read:all', FRESHNESS);
      expect(asked).toEqual({
        status: 0,
        stderr: '',
        stdout: `401: /graphql leads to ${issuer.url}\n{"assets":[]}\n`,
      });
      expect(issuer.requests.slice(0, 2)).toEqual(['/.well-known/openid-configuration', '/token']);
      const refused = await tool(env, 'read:all', REGISTER);
      expect([refused.status, refused.stderr]).toEqual([2, expect.stringMatching(/^403 FORBIDDEN: .*write:assets/)]);
      expect((await tool(env, 'read:all write:all', REGISTER)).stdout).toContain('{"registerAsset":{"name":"orders"}}');
      const { token } = await createKey(latchkey, { name: 'CLI', scopes: ['read-only'] });
      expect(token).toMatch(/^aa_live_/);
      expect(await statusesOf(token)).toEqual([200, 403, 403]);
    });

    it('sends no token to any address other than the one in the metadata', async () => {
      const env = await startWith('localhost');
      issuer.requests.splice(0);
      const { status, stderr } = await tool(env, 'read:all', FRESHNESS);
      expect([status, issuer.requests]).toEqual([1, []]);
      expect(stderr).toMatch(/oauth-protected-resource\/graphql is about http:\/\/localhost:\d+\/graphql, and not/);
    });
  });
});
