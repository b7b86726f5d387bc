import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/server/settings/settings.js';
import { MAIN, runFile } from '../support/child.js';
import { AUDIENCE, startIssuer, type Issuer } from '../support/issuer.js';
import { runExample } from '../support/run.js';
import { answerOf, createKey, OPERATOR_KEY, startService, type Answer, type TestService } from '../support/service.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';
import { readStream } from '../support/streams.js';

const ENV = {
  API_KEY_ADMIN: 'Admin-key-of-tests-0123456789',
  API_KEY_ANALYST: 'Analyst-key-of-tests-0123456789',
  API_KEY_READONLY: 'Readonly-key-of-tests-0123456789',
  API_KEY_ETL: 'Etl-key-of-tests-0123456789',
};
const README = documentOf('examples/configured-keys/README.md');
const [KEYS_PART = '', REFUSALS_PART = '', ISSUER_PART = ''] = README.split(/^## (?=What was|Beside)/m);
const FILE = documentOf('examples/configured-keys/latchkey.yaml');
const ROLES = FILE.slice(FILE.indexOf('\nroles:') + 1);
const KEYS = FILE.slice(0, -ROLES.length);

const dir = mkdtempSync(join(tmpdir(), 'latchkey-example-'));
const path = join(dir, 'latchkey.yaml');
const write = (text: string): void => writeFileSync(path, text);
const environment = (more: Record<string, string> = {}) => ({
  LATCHKEY_CONFIG: path,
  DEFAULT_TIER: 'ENTERPRISE',
  ...ENV,
  ...more,
});

let latchkey: TestService;
const started: TestService[] = [];
const start = async (text: string, more: Record<string, string> = {}): Promise<TestService> => {
  write(text);
  latchkey = await startService({ env: environment(more) });
  started.push(latchkey);
  return latchkey;
};
/** Reloads, like SIGHUP. */
const reload = async (text: string, more: Record<string, string> = {}): Promise<void> => {
  write(text);
  await latchkey.service.reconfigure(readSettings(environment(more)).configuration);
};
afterEach(async () => {
  for (const service of started.splice(0)) await service.close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const WHO = '{ viewer { scopes credential { kind id apiKey { name } } } }';
const ASSETS = '{ assets { name } }';
const REGISTER = 'mutation { registerAsset(input: { name: "raw.orders" }) { name } }';
const statusOf = async (token: string, query = WHO): Promise<number> => (await latchkey.query(query, { token })).status;

describe('003_9426f37ccbce99aa', () => {
  it('each key has the access of its roles, and the usual limits', async () => {
    await start(KEYS + ROLES);
    const who = await latchkey.query(WHO, { token: ENV.API_KEY_ANALYST });
    expect(who.body.data.viewer).toEqual({
      scopes: ['read:assets', 'write:assets'],
      credential: {
        kind: 'CONFIGURED',
        id: expect.stringMatching(/^conf_[0-9a-f]{16}$/),
        apiKey: { name: 'analyst-service' },
      },
    });
    expect(who.headers.get('ratelimit')).toBe('"rate";r=4999;t=60');
    expect(await statusOf(ENV.API_KEY_ANALYST, REGISTER)).toBe(200);
    expect(await statusOf(ENV.API_KEY_READONLY, ASSETS)).toBe(200);
    expect(await statusOf(ENV.API_KEY_READONLY, REGISTER)).toBe(403);
    expect(await statusOf(ENV.API_KEY_ANALYST, '{ apiKeys { totalCount } }')).toBe(403);
    const made = await createKey(latchkey, { scopes: ['read:assets'] }, ENV.API_KEY_ADMIN);
    expect(await statusOf(made.token, ASSETS)).toBe(200);
  });

  it('matches a key exactly, in every header, and refuses anything else with 401', async () => {
    await start(KEYS + ROLES);
    const send = async (headers: Record<string, string>): Promise<number> =>
      (await latchkey.query(WHO, { token: null, headers })).status;
    for (const [name, before] of [
      ['authorization', 'Bearer '],
      ['authorization', 'Api-Key '],
      ['x-api-key', ''],
    ] as const) {
      expect(await send({ [name]: before + ENV.API_KEY_READONLY })).toBe(200);
      for (const wrong of [
        ENV.API_KEY_READONLY.toLowerCase(),
        ENV.API_KEY_READONLY.toUpperCase(),
        ENV.API_KEY_READONLY.slice(1),
        `${ENV.API_KEY_READONLY}0`,
        'unknown',
      ]) {
        expect([wrong, await send({ [name]: before + wrong })]).toEqual([wrong, 401]);
      }
    }
    expect(await send({ 'x-api-key': '' })).toBe(401);
    const { headers, body } = await latchkey.query(WHO, { token: 'unknown' });
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(body.errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'unknown' });
    expect(latchkey.logs.join('')).not.toMatch(/-key-of-tests/i);
  });

  it('the API shows them with the other keys, and changes none of them', async () => {
    await start(KEYS + ROLES);
    const { id: stored } = await createKey(latchkey, { name: 'stored' }, ENV.API_KEY_ADMIN);
    const ask = (query: string): Promise<Answer> => latchkey.query(query, { token: ENV.API_KEY_ADMIN });
    const fields =
      'id name source prefix type environment status scopes roles createdAt createdBy expiresAt revokedAt revokedReason lastUsedAt replaces { id } replacedBy { id } limits { tier }';
    const { body } = await ask(`{ apiKeys { totalCount nodes { ${fields} } } }`);
    expect(body.data.apiKeys.totalCount).toBe(6);
    const [first, , ...configured] = body.data.apiKeys.nodes;
    expect(first).toMatchObject({ id: stored, source: 'CREATED', roles: [], createdAt: expect.any(String) });
    const analyst = configured.find(({ name }: { name: string }) => name === 'analyst-service');
    expect(analyst).toEqual({
      id: expect.stringMatching(/^conf_/),
      name: 'analyst-service',
      source: 'CONFIGURED',
      prefix: '',
      type: 'SECRET',
      environment: 'LIVE',
      status: 'ACTIVE',
      scopes: ['read:assets', 'write:assets'],
      roles: ['analyst', 'data_engineer'],
      createdAt: null,
      createdBy: null,
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      lastUsedAt: null,
      replaces: null,
      replacedBy: null,
      limits: { tier: 'ENTERPRISE' },
    });

    const seen: string[] = [];
    for (let after = ''; ;) {
      const page = await ask(`{ apiKeys(first: 2${after}) { nodes { id } pageInfo { hasNextPage endCursor } } }`);
      const { nodes, pageInfo } = page.body.data.apiKeys;
      seen.push(...nodes.map(({ id }: { id: string }) => id));
      if (!pageInfo.hasNextPage) break;
      after = `, after: "${pageInfo.endCursor}"`;
    }
    expect(seen).toEqual(body.data.apiKeys.nodes.map(({ id }: { id: string }) => id));

    const refused = await ask(`mutation { revokeApiKey(input: { id: "${analyst.id}" }) { apiKey { id } } }`);
    expect(refused.body.errors[0]).toMatchObject({
      message: expect.stringContaining('The key is defined in the configuration'),
      extensions: { code: 'BAD_USER_INPUT', path: ['input', 'id'] },
    });
    expect(await statusOf(ENV.API_KEY_ANALYST)).toBe(200);
  });

  it('counts the requests of a key under its ID', async () => {
    await start(KEYS + ROLES);
    for (let i = 0; i < 3; i++) await latchkey.query(ASSETS, { token: ENV.API_KEY_READONLY });
    await latchkey.query(REGISTER, { token: ENV.API_KEY_READONLY });
    await latchkey.service.latchkey.usage.flush();
    const { body } = await latchkey.query(
      '{ apiKeys(filter: { nameContains: "readonly" }) { nodes { usage(by: DAY) { requests forbidden } } } }',
      { token: ENV.API_KEY_ADMIN },
    );
    expect(body.data.apiKeys.nodes).toHaveLength(1);
    expect(body.data.apiKeys.nodes[0].usage.at(-1)).toEqual({ requests: 3, forbidden: 1 });
  });

  describe('refuses to start', () => {
    it.each([
      [
        'for an empty variable',
        KEYS + ROLES,
        { API_KEY_ADMIN: '' },
        'keys[0].key names the variable API_KEY_ADMIN, which is empty',
      ],
      [
        'for a role that nobody defined',
        KEYS,
        {},
        'keys[1].roles[0] is an unknown role. Known: admin, editor, viewer.',
      ],
      [
        'for a workspace that is not there',
        `${KEYS}        workspace: ws_none\n${ROLES}`,
        {},
        'in the workspace "ws_none", which does not exist',
      ],
    ])('%s', async (_, text, more, message) => {
      await expect(start(text, more)).rejects.toThrow(message);
    });
  });

  it('if keys are disabled, accepts only the operator key', async () => {
    await start(KEYS.replace('enabled: true', 'enabled: false') + ROLES, { ADMIN_API_KEY: OPERATOR_KEY });
    expect(await statusOf(ENV.API_KEY_ADMIN)).toBe(401);
    const { token } = await createKey(latchkey, {}, OPERATOR_KEY);
    expect(await statusOf(token)).toBe(401);
    expect(await statusOf(OPERATOR_KEY)).toBe(200);
    await reload(KEYS + ROLES, { ADMIN_API_KEY: OPERATOR_KEY });
    expect(await statusOf(ENV.API_KEY_ADMIN)).toBe(200);
    expect(await statusOf(token)).toBe(200);
  });

  describe('after a reload', () => {
    const text = (...keys: string[]): string => `auth: { api_keys: { enabled: true, keys: [${keys.join(', ')}] } }\n`;
    const key = (variable: string, name: string, role: string): string =>
      `{ key: "\${${variable}}", name: ${name}, roles: [${role}] }`;
    const OLD = { OLD: 'the-old-key-of-tests-0123456789', NEW: 'the-new-key-of-tests-0123456789' };

    it('a key is rotated: both work while both are in the file, and the old one is refused immediately when it is removed', async () => {
      await start(text(key('OLD', 'etl', 'viewer')), OLD);
      const id = (await latchkey.query(WHO, { token: OLD.OLD })).body.data.viewer.credential.id;
      expect(await statusOf(OLD.NEW)).toBe(401);
      await reload(text(key('OLD', 'etl', 'viewer'), key('NEW', 'etl-next', 'viewer')), OLD);
      expect([await statusOf(OLD.OLD), await statusOf(OLD.NEW)]).toEqual([200, 200]);
      await reload(text(key('NEW', 'etl', 'viewer')), OLD);
      expect([await statusOf(OLD.OLD), await statusOf(OLD.NEW)]).toEqual([401, 200]);
      const after = await latchkey.query(WHO, { token: OLD.NEW });
      expect(after.body.data.viewer.credential.id).toBe(id);
      // Both keys share the windows of the name: two requests of the old key, and two of the new one.
      expect(after.headers.get('ratelimit')).toMatch(/^"rate";r=4996;/);
    });

    it('roles, key types and tiers apply immediately, and an invalid file changes none of them', async () => {
      await start(`${text(key('OLD', 'etl', 'analyst'))}roles: { analyst: [read:all] }\n`, OLD);
      expect(await statusOf(OLD.OLD, REGISTER)).toBe(403);
      await reload(
        `${text(key('OLD', 'etl', 'analyst'))}roles: { analyst: [read-write] }
key_types: { CLIENT: { prefix: pub, scopes: [write:assets] } }
tiers: { ENTERPRISE: { per_minute: 70, per_second: 60 } }\n`,
        OLD,
      );
      const registered = await latchkey.query(REGISTER, { token: OLD.OLD });
      expect([registered.status, registered.headers.get('ratelimit-policy')]).toEqual([
        200,
        '"burst";q=60;w=1, "rate";q=70;w=60',
      ]);
      const { token } = await createKey(latchkey, { type: 'CLIENT', scopes: ['write:assets'] });
      expect(token).toMatch(/^pub_live_/);
      await expect(createKey(latchkey, { type: 'CLIENT', scopes: ['read:all'] })).rejects.toThrow(
        'Allowed: scopes covered by write:assets',
      );
      const { body } = await latchkey.query('{ tiers { tier perMinute perSecond keys } }', { token: null });
      expect(body.data.tiers.at(-1)).toEqual({ tier: 'ENTERPRISE', perMinute: 70, perSecond: 60, keys: null });

      for (const bad of ['roles: [', text(key('NOWHERE', 'etl', 'viewer')), text(key('OLD', 'etl', 'analyst'))]) {
        await expect(reload(bad, OLD)).rejects.toThrow();
        expect(await statusOf(OLD.OLD, REGISTER)).toBe(200);
      }
      await expect(
        reload(text(key('NEW', 'etl', 'viewer').replace(' }', ', workspace: ws_none }')), OLD),
      ).rejects.toThrow('ws_none');
      expect([await statusOf(OLD.OLD, REGISTER), await statusOf(OLD.NEW)]).toEqual([200, 401]);
    });
  });

  it('runs its README as written, with the server in a separate process', async () => {
    const config = join(dir, 'running.yaml');
    writeFileSync(config, FILE);
    const keys = { ...ENV, API_KEY_ETL_NEXT: 'Next-etl-key-of-tests-0123456789' };
    const server = runFile(MAIN, {
      ...keys,
      PORT: '0',
      DATA_DIR: join(dir, 'data'),
      BCRYPT_COST: '4',
      LATCHKEY_CONFIG: config,
    });
    try {
      const [, url = ''] = await server.waitFor(/listens on (\S+)/);
      const env = { ...keys, LATCHKEY_CONFIG: config, LATCHKEY_URL: url, SERVER: String(server.process.pid) };
      await expectSession(sessionOf(KEYS_PART), { env });
      expect(server.output().stderr).not.toMatch(/-key-of-tests/i);
    } finally {
      await server.stop('SIGTERM');
    }
  });

  it('accepts keys from common tools, and warns about keys in the file', async () => {
    for (const made of [
      randomBytes(32).toString('base64'),
      randomBytes(32).toString('base64url'),
      randomUUID().replaceAll('-', ''),
    ]) {
      await start(KEYS + ROLES, { API_KEY_READONLY: made });
      expect(await statusOf(made)).toBe(200);
      expect(latchkey.logs.join('')).not.toContain('clear');
    }
    const inClear = FILE.replace('${API_KEY_READONLY}', "'abc123-actual-key-of-tests'");
    await start(inClear);
    expect(latchkey.logs.join('')).toContain('keys[2].key is in plain text in the file');
    await expect(start(inClear, { NODE_ENV: 'production' })).rejects.toThrow(
      'keys[2].key is in plain text in the file',
    );
  });

  it('shows the usage of each key, and logs each request with the ID of its key', async () => {
    await start(KEYS + ROLES);
    await latchkey.query(ASSETS, { token: ENV.API_KEY_READONLY });
    await latchkey.query(REGISTER, { token: ENV.API_KEY_READONLY });
    await latchkey.service.latchkey.usage.flush();
    const { stdout } = await runExample('configured-keys/usage.js', [], {
      LATCHKEY_URL: latchkey.url,
      LATCHKEY_API_KEY: ENV.API_KEY_ADMIN,
    });
    expect(stdout.split('\n')).toContain('readonly: 1 let through, 1 forbidden, 0 over the limit');
    const { credential } = (await latchkey.query(WHO, { token: ENV.API_KEY_READONLY })).body.data.viewer;
    expect(latchkey.logs.filter((line) => line.includes(credential.id))).toHaveLength(3);
  });

  it('records refusals in the audit log, by key and by reason, as its README says', async () => {
    await start(KEYS + ROLES);
    const env = { ...ENV, LATCHKEY_URL: latchkey.url };
    const [asked, shown] = sessionOf(REFUSALS_PART);
    if (asked === undefined || shown === undefined) throw new Error('The README lacks one of two steps.');
    await expectSession([asked], { env });
    // Runs the task that runs once a minute.
    await latchkey.service.latchkey.gathered.flush();
    await expectSession([shown], { env });
    const { text } = await latchkey.query('{ auditLog { nodes { before after } } }', { token: ENV.API_KEY_ADMIN });
    expect(text).not.toMatch(/-key-of-tests|no-such-key/i);
  });

  describe('a key as a query parameter', () => {
    const watch = (key: string) =>
      runExample('configured-keys/watch.js', ['1'], { LATCHKEY_URL: latchkey.url, LATCHKEY_API_KEY: key });

    it('opens a stream only for a key with access', async () => {
      const base64 = `${randomBytes(32).toString('base64url')}+/=`;
      await start(KEYS + ROLES, { API_KEY_READONLY: base64 });
      const script = runFile('examples/configured-keys/watch.js', {
        LATCHKEY_URL: latchkey.url,
        LATCHKEY_API_KEY: base64,
      });
      await script.waitFor(/^watching\n/);
      await statusOf(ENV.API_KEY_ANALYST, REGISTER);
      await script.waitFor(/^raw\.orders UNKNOWN\n/m);
      await script.stop('SIGTERM');
      for (const wrong of ['', 'unknown', ENV.API_KEY_READONLY]) {
        const { status, stdout, stderr } = await watch(wrong);
        expect([wrong, status, stdout, stderr]).toEqual([
          wrong,
          2,
          '',
          expect.stringMatching(/^401 UNAUTHENTICATED: /),
        ]);
      }
      expect(latchkey.logs.join('')).not.toContain(encodeURIComponent(base64));
      expect(latchkey.logs.join('')).not.toContain(base64);
    });

    it('not for other requests: not for a query, and not together with a header', async () => {
      await start(KEYS + ROLES);
      const query = `?query=${encodeURIComponent(WHO)}`;
      const send = async (path: string, headers: Record<string, string>) => {
        const { status, body } = await answerOf(await fetch(`${latchkey.url}${path}`, { headers }));
        return [status, body.errors?.[0].message];
      };
      const json = { accept: 'application/json', 'content-type': 'application/json' };
      const key = { 'x-api-key': ENV.API_KEY_READONLY };
      expect(await send(query, { ...json, ...key })).toEqual([200, undefined]);
      const inAddress = `${query}&api_key=${ENV.API_KEY_READONLY}`;
      expect(await send(inAddress, json)).toEqual([401, expect.stringContaining('needs an API key')]);
      expect(await send(`/stream${inAddress}`, json)).toEqual([400, expect.stringContaining('in the URL')]);
      const both = { accept: 'text/event-stream', ...key };
      expect(await send(`/stream${inAddress}`, both)).toEqual([400, expect.stringContaining('two credentials')]);
    });

    it('ends when the key is removed from the file', async () => {
      await start(KEYS + ROLES);
      const address = `${latchkey.url}/stream?query=subscription{assetChanged{name}}&api_key=${ENV.API_KEY_ETL}`;
      const stream = await readStream(address);
      expect(stream.status).toBe(200);
      await reload(documentOf('examples/configured-keys/rotation/2-next.yaml'), { API_KEY_ETL_NEXT: 'x'.repeat(30) });
      expect((await stream.last()).errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'unknown' });
    });
  });

  describe('with an issuer', () => {
    const WITH_ISSUER = documentOf('examples/configured-keys/with-issuer.yaml');
    let issuer: Issuer;
    const startBeside = () => start(WITH_ISSUER, { ISSUER: issuer.url, AUDIENCE });
    beforeEach(async () => {
      issuer = await startIssuer();
    });
    afterEach(() => issuer.leave());

    it('checks texts with the form of a JWT as tokens, then keys, and refuses the rest, as its README says', async () => {
      await startBeside();
      const TOKEN = await issuer.issue({ scope: '', claims: { roles: ['analyst'] } });
      const env = { ...ENV, TOKEN, LATCHKEY_URL: latchkey.url };
      await expectSession(sessionOf(ISSUER_PART), { env });
    });

    it('tokens and keys have exactly the access of their scopes and roles', async () => {
      await startBeside();
      const statuses = async (token: string): Promise<number[]> =>
        Promise.all([ASSETS, REGISTER, '{ apiKeys { totalCount } }'].map((query) => statusOf(token, query)));
      const analyst = { roles: ['analyst'] };
      expect(await statuses(await issuer.sign({ scope: '', ...analyst }))).toEqual([200, 403, 403]);
      expect(await statuses(await issuer.sign({ scope: 'write:all', ...analyst }))).toEqual([200, 200, 403]);
      expect(await statuses(ENV.API_KEY_ETL)).toEqual([200, 200, 403]);
      const past = Math.floor(Date.now() / 1000) - 60;
      for (const wrong of [
        await issuer.sign({ aud: 'https://elsewhere.example' }),
        await issuer.sign({ iss: 'https://elsewhere.example' }),
        await issuer.sign({ exp: past }),
        'eyJhbGciOiJub25lIn0.e30.',
        'no-such-key',
      ]) {
        expect(await statuses(wrong)).toEqual([401, 401, 401]);
      }
    });

    it('does not look for a key with the form of a JWT: without the issuer, tokens get 503 and keys keep working', async () => {
      await startBeside();
      const token = await issuer.sign();
      await issuer.leave();
      expect([await statusOf(token), await statusOf(ENV.API_KEY_ETL), await statusOf('no-such-key')]).toEqual([
        503, 200, 401,
      ]);
      await issuer.comeBack();
    });

    it('no key can have the form of a JWT', async () => {
      const beside = { ISSUER: issuer.url, AUDIENCE, API_KEY_ETL: 'eyJhbGciOiJub25lIn0.e30.' };
      await expect(start(WITH_ISSUER, beside)).rejects.toThrow('JWT');
    });
  });
});
