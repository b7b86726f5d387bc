import { jest } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/settings/settings.js';
import { runFile } from '../support/child.js';
import { runExample } from '../support/run.js';
import { createKey, OPERATOR_KEY, startService, type Answer, type TestService } from '../support/service.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

// A test starts up to a dozen processes, and may have little of the machine.
jest.setTimeout(120_000);

const ENV = {
  API_KEY_ADMIN: 'Admin-key-of-tests-0123456789',
  API_KEY_ANALYST: 'Analyst-key-of-tests-0123456789',
  API_KEY_READONLY: 'Readonly-key-of-tests-0123456789',
  API_KEY_ETL: 'Etl-key-of-tests-0123456789',
};
const FILE = documentOf('examples/configured-keys/latchkey.yaml');
const ROLES = FILE.slice(FILE.indexOf('# What a role'));
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
/** What SIGHUP does. */
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
  it('each key may do what its roles say, and is limited like any other', async () => {
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

  it('a key is matched exactly, however it is sent; anything else is refused with 401', async () => {
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

  it('the API shows them beside the others, and changes none', async () => {
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
      message: expect.stringContaining('The key stands in the configuration'),
      extensions: { code: 'BAD_USER_INPUT', path: ['input', 'id'] },
    });
    expect(await statusOf(ENV.API_KEY_ANALYST)).toBe(200);
  });

  it('what a key asked for is counted under its id', async () => {
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

  describe('a start is refused', () => {
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
        'keys[1].roles[0] is no role that is known. Known: admin, editor, viewer.',
      ],
      [
        'for a workspace that is not there',
        `${KEYS}        workspace: ws_none\n${ROLES}`,
        {},
        'in the workspace "ws_none", which is not there',
      ],
    ])('%s', async (_, text, more, message) => {
      await expect(start(text, more)).rejects.toThrow(message);
    });
  });

  it('where keys are switched off only the key of the operator is let in', async () => {
    await start(KEYS.replace('enabled: true', 'enabled: false') + ROLES, { ADMIN_API_KEY: OPERATOR_KEY });
    expect(await statusOf(ENV.API_KEY_ADMIN)).toBe(401);
    const { token } = await createKey(latchkey, {}, OPERATOR_KEY);
    expect(await statusOf(token)).toBe(401);
    expect(await statusOf(OPERATOR_KEY)).toBe(200);
    await reload(KEYS + ROLES, { ADMIN_API_KEY: OPERATOR_KEY });
    expect(await statusOf(ENV.API_KEY_ADMIN)).toBe(200);
    expect(await statusOf(token)).toBe(200);
  });

  describe('read anew', () => {
    const text = (...keys: string[]): string => `auth: { api_keys: { enabled: true, keys: [${keys.join(', ')}] } }\n`;
    const key = (variable: string, name: string, role: string): string =>
      `{ key: "\${${variable}}", name: ${name}, roles: [${role}] }`;
    const OLD = { OLD: 'the-old-key-of-tests-0123456789', NEW: 'the-new-key-of-tests-0123456789' };

    it('a key is rotated: both work while both stand, the old one is refused at once when it is taken out', async () => {
      await start(text(key('OLD', 'etl', 'viewer')), OLD);
      const id = (await latchkey.query(WHO, { token: OLD.OLD })).body.data.viewer.credential.id;
      expect(await statusOf(OLD.NEW)).toBe(401);
      await reload(text(key('OLD', 'etl', 'viewer'), key('NEW', 'etl-next', 'viewer')), OLD);
      expect([await statusOf(OLD.OLD), await statusOf(OLD.NEW)]).toEqual([200, 200]);
      await reload(text(key('NEW', 'etl', 'viewer')), OLD);
      expect([await statusOf(OLD.OLD), await statusOf(OLD.NEW)]).toEqual([401, 200]);
      const after = await latchkey.query(WHO, { token: OLD.NEW });
      expect(after.body.data.viewer.credential.id).toBe(id);
      // Its windows go on under the name: two of the old key, and two of the new one.
      expect(after.headers.get('ratelimit')).toMatch(/^"rate";r=4996;/);
    });

    it('roles, key types and tiers act at once, and a file that is bad changes none of them', async () => {
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
        'may hold write:assets',
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

  it('runs its README as written, with the server as a process of its own', async () => {
    const config = join(dir, 'running.yaml');
    writeFileSync(config, FILE);
    const keys = { ...ENV, API_KEY_ETL_NEXT: 'Next-etl-key-of-tests-0123456789' };
    const server = runFile('src/main.ts', {
      ...keys,
      PORT: '0',
      DATA_DIR: join(dir, 'data'),
      BCRYPT_COST: '4',
      LATCHKEY_CONFIG: config,
    });
    try {
      const [, url = ''] = await server.waitFor(/listens on (\S+)/);
      const env = { ...keys, LATCHKEY_CONFIG: config, LATCHKEY_URL: url, SERVER: String(server.process.pid) };
      await expectSession(sessionOf(documentOf('examples/configured-keys/README.md')), { env });
      expect(server.output().stderr).not.toMatch(/-key-of-tests/i);
    } finally {
      await server.stop('SIGTERM');
    }
  });

  it('takes keys as the usual tools make them, and warns of those that stand in the file', async () => {
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
    expect(latchkey.logs.join('')).toContain('keys[2].key stands in the file in clear');
    await expect(start(inClear, { NODE_ENV: 'production' })).rejects.toThrow('keys[2].key stands in the file in clear');
  });

  it('tells who used what, and each request with the id of its key', async () => {
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
});
