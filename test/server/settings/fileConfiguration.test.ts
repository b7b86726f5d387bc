import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { TIER_LIMITS } from '../../../src/core/limits/tiers.js';
import { mintToken } from '../../../src/core/keys/token.js';
import type { FileConfiguration } from '../../../src/server/settings/fileConfiguration.js';
import { SettingsError } from '../../../src/shared/settings/error.js';
import { readSettings, rereadConfiguration } from '../../../src/server/settings/settings.js';
import { OPERATOR_KEY } from '../../support/service.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-config-'));
const path = join(dir, 'latchkey.yaml');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const KEY = 'a-key-for-tests-and-nothing-else';

function read(text: string, environment: Record<string, string> = {}): FileConfiguration {
  writeFileSync(path, text);
  return readSettings({ LATCHKEY_CONFIG: path, ...environment }).configuration;
}

function faultOf(text: string, environment: Record<string, string> = {}): string {
  try {
    read(text, environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error('Nothing was wrong.');
}

const keys = (...lines: string[]): string =>
  `auth:\n  api_keys:\n    enabled: true\n    keys:\n${lines.map((line) => `      - ${line}\n`).join('')}`;
const one = (more: string): string => keys(`{ key: "\${KEY}", name: one, roles: [viewer]${more} }`);

test('uses defaults for missing values', () => {
  expect(read('roles: {}')).toEqual({ ...readSettings({}).configuration, path });
  expect(read('auth: { api_keys: {} }').apiKeys).toBe(true);
  expect(read('auth: { api_keys: { enabled: false } }').apiKeys).toBe(false);
});

test('reads keys, roles, key types and tiers', () => {
  const file = read(
    `${keys('{ key: "${KEY}", name: a, roles: [analyst, viewer], workspace: ws_1 }')}
roles: { analyst: [write:events], viewer: [read:assets] }
key_types: { CLIENT: { prefix: pub, scopes: [write:events] }, SECRET: { prefix: ck } }
tiers: { GROWTH: { per_minute: 50 }, STARTER: { keys: unlimited, admin_keys: 5, per_second: 4 }, FREE_TRIAL: { admin_keys: unlimited } }`,
    { KEY },
  );
  expect(file.keys).toMatchObject([{ name: 'a', roles: ['analyst', 'viewer'], workspaceId: 'ws_1' }]);
  expect(file.roles.scopesOf(['analyst', 'viewer'])).toEqual(['write:events', 'read:assets']);
  expect(file.prefixes).toEqual({ SECRET: 'ck', CLIENT: 'pub', READ_ONLY: 'lkr' });
  expect(file.ceilings.admits('CLIENT', 'read:all')).toBe(false);
  expect(file.tiers).toMatchObject({
    GROWTH: { keys: 10, rate: 50, burst: 25 },
    FREE_TRIAL: { keys: 1, adminKeys: null },
    STARTER: { keys: null, adminKeys: 5, rate: 30, burst: 4 },
    ENTERPRISE: { keys: null, rate: 5_000, burst: 100 },
  });
  for (const part of [file, file.keys, file.prefixes, file.tiers, file.tiers.GROWTH, file.warnings]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('reads tiers that are added, renamed and removed, in the order of the file', () => {
  const { tiers, defaultTier } = read(`
tiers:
  FREE_TRIAL: removed
  HOBBY: { was: STARTER, per_minute: 45 }
  TEAM: { was: [GROWTH, PROFESSIONAL], keys: unlimited, categories: { write: { per_minute: 60, per_second: 5 } } }
  ENTERPRISE: {}
  MAX: { from: ENTERPRISE, streams: 500 }
`);
  expect(Object.keys(tiers).slice(0, 4)).toEqual(['HOBBY', 'TEAM', 'ENTERPRISE', 'MAX']);
  expect(tiers.HOBBY).toEqual({ ...TIER_LIMITS.STARTER, rate: 45, was: ['STARTER'] });
  expect(tiers.TEAM).toEqual({
    ...TIER_LIMITS.GROWTH,
    keys: null,
    categories: { write: { rate: 60, burst: 5 } },
    was: ['GROWTH', 'PROFESSIONAL'],
  });
  expect(tiers.MAX).toEqual({ ...TIER_LIMITS.ENTERPRISE, streams: 500 });
  expect(defaultTier).toBe('TEAM');
});

test('reads tiers that replace the published ones', () => {
  const { tiers, defaultTier } = read(`
published_tiers: false
tiers:
  ANONYMOUS: { per_minute: 10 }
  FREE: { keys: 1, admin_keys: 1, per_minute: 10, per_second: 2, streams: 1 }
  PRO: { from: FREE, per_minute: 600 }
`);
  const free = { ...TIER_LIMITS.GROWTH, keys: 1, adminKeys: 1, rate: 10, burst: 2, streams: 1 };
  expect(tiers).toEqual({
    FREE: free,
    PRO: { ...free, rate: 600 },
    ANONYMOUS: { ...TIER_LIMITS.ANONYMOUS, rate: 10 },
    KEY_CREATION: TIER_LIMITS.KEY_CREATION,
    VERIFICATION: TIER_LIMITS.VERIFICATION,
  });
  expect(Object.keys(tiers).slice(0, 2)).toEqual(['FREE', 'PRO']);
  expect(defaultTier).toBe('FREE');
});

test('DEFAULT_TIER is checked against the file', () => {
  const text = 'tiers: { GROWTH: removed, PLUS: { from: GROWTH } }';
  expect(read(text, { DEFAULT_TIER: 'PLUS' }).defaultTier).toBe('PLUS');
  expect(read('tiers: { TEAM: { was: GROWTH } }', { DEFAULT_TIER: 'GROWTH' }).defaultTier).toBe('TEAM');
  expect(faultOf(text, { DEFAULT_TIER: 'GROWTH' })).toBe(
    'DEFAULT_TIER is GROWTH, which is not a tier. Allowed: one of FREE_TRIAL, STARTER, PLUS, PROFESSIONAL, ENTERPRISE.',
  );
});

test('reads the shared limits of a tier, and those of the cost', () => {
  const { tiers } = read(
    'tiers: { GROWTH: { owner: { per_minute: 900, per_second: 30 }, workspace: { per_minute: 5000, per_second: 90 }, cost: { max: 50, per_minute: 700, per_second: 60 } } }',
  );
  expect(tiers.GROWTH).toMatchObject({
    owner: { rate: 900, burst: 30 },
    project: null,
    workspace: { rate: 5_000, burst: 90 },
    cost: { max: 50, rate: 700, burst: 60 },
  });
});

test('reads quotas and credits of a tier', () => {
  const { tiers, quotaStatus } = read(`quota_status: 402
tiers:
  GROWTH:
    quotas:
      - { window: month, limit: 1000, anchor_day: 31 }
      - { window: hour, limit: unlimited, unit: cost, subject: workspace }
    credits: { subject: owner, refill: { amount: 5, every: day } }`);
  expect(quotaStatus).toBe(402);
  expect(tiers.GROWTH).toMatchObject({
    quotas: [
      { window: 'month', unit: 'requests', subject: 'key', limit: 1000, anchorDay: 31 },
      { window: 'hour', unit: 'cost', subject: 'workspace', limit: null },
    ],
    credits: { unit: 'requests', subject: 'owner', refill: { amount: 5, every: 'day' } },
  });
  expect(tiers.STARTER).toMatchObject({ quotas: [], credits: null });
});

test.each([
  ['tiers: { GROWTH: { quotas: [{ window: week, limit: 1 }] } }', 'tiers.GROWTH.quotas[0].window'],
  ['tiers: { GROWTH: { quotas: [{ window: day, limit: 0 }] } }', 'tiers.GROWTH.quotas[0].limit'],
  ['tiers: { GROWTH: { quotas: [{ window: day, limit: 1, anchor_day: 2 }] } }', 'tiers.GROWTH.quotas[0].anchor_day'],
  ['tiers: { GROWTH: { credits: { refill: { every: day } } } }', 'tiers.GROWTH.credits.refill.amount'],
  ['quota_status: 403', 'quota_status'],
])('rejects the quotas %s', (text, name) => {
  expect(faultOf(text)).toContain(name);
});

test('reads categories of a tier', () => {
  const { tiers } = read(
    'tiers: { GROWTH: { categories: { write: { per_minute: 60, per_second: 5 }, admin: { per_minute: 6, per_second: 1 } } } }',
  );
  expect(tiers.GROWTH).toEqual({
    ...TIER_LIMITS.GROWTH,
    categories: { write: { rate: 60, burst: 5 }, admin: { rate: 6, burst: 1 } },
    owner: null,
    project: null,
    workspace: null,
    cost: null,
  });
  expect(tiers.STARTER?.categories).toEqual({});
});

test('gives KEY_PREFIXES precedence over the prefixes of the file', () => {
  const text = 'key_types: { SECRET: { prefix: aa } }';
  expect(read(text).prefixes.SECRET).toBe('aa');
  expect(read(text, { KEY_PREFIXES: 'CLIENT:bb' }).prefixes).toEqual({ SECRET: 'lks', CLIENT: 'bb', READ_ONLY: 'lkr' });
});

test('keeps only a digest of a key', () => {
  const file = read(one(''), { KEY });
  expect(inspect(file, { depth: Infinity, showHidden: true })).not.toContain(KEY);
});

const oidc = (more = ''): string => `auth: { oidc: { issuer: "https://id.example", audience: api${more} } }`;

test('OIDC', () => {
  expect(read('roles: {}').oidc).toBeNull();
  expect(read(oidc(), { PUBLIC_URL: 'https://api.example/base/' }).oidc).toEqual({
    issuer: 'https://id.example',
    audience: 'api',
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    scopesClaim: 'scope',
    rolesClaim: 'roles',
    workspace: 'default',
    workspaceClaim: null,
    clockTolerance: 5,
    jwksUri: null,
    resource: 'https://api.example/base/graphql',
    resourceMetadata: 'https://api.example/.well-known/oauth-protected-resource/base/graphql',
    mcpResource: 'https://api.example/base/mcp',
    mcpMetadata: 'https://api.example/.well-known/oauth-protected-resource/base/mcp',
    dashboard: null,
  });
  expect(read(oidc(', dashboard: { client_id: dash }')).oidc?.dashboard).toEqual({
    clientId: 'dash',
    scopes: ['openid'],
    audienceParameter: 'resource',
  });
  expect(
    read(
      oidc(
        ', enabled: true, algorithms: [ES256], scopes_claim: scp, roles_claim: groups, workspace_claim: org, clock_tolerance: 0, jwks_uri: "http://[::1]:1/k", resource: "https://r.example"',
      ),
      { PUBLIC_URL: 'https://api.example' },
    ).oidc,
  ).toMatchObject({
    algorithms: ['ES256'],
    scopesClaim: 'scp',
    rolesClaim: 'groups',
    workspaceClaim: 'org',
    clockTolerance: 0,
    jwksUri: 'http://[::1]:1/k',
    resourceMetadata: 'https://r.example/.well-known/oauth-protected-resource',
    mcpMetadata: 'https://r.example/.well-known/oauth-protected-resource/mcp',
  });
  expect(read(oidc(', enabled: false')).oidc).toBeNull();
  expect(read(oidc()).warnings).toEqual([expect.stringContaining('Set PUBLIC_URL, or auth.oidc.resource.')]);
  expect(read(oidc(), { PUBLIC_URL: 'https://api.example' }).warnings).toEqual([]);
});

describe('an invalid value makes the start fail with one line: file, path, what is wrong, and how to fix it', () => {
  it.each([
    [
      'rolls: {}',
      'rolls is not known. Allowed: a map with auth, roles, key_types, published_tiers, tiers, rate_limit_headers, quota_status, gateway, demo.',
    ],
    [
      'auth: { api_keys: { keys: [], enabeld: true } }',
      'auth.api_keys.enabeld is not known. Allowed: a map with enabled, keys.',
    ],
    ['auth: { api_keys: { enabled: "yes" } }', 'auth.api_keys.enabled is not allowed. Allowed: true or false.'],
    ['auth: { api_keys: { keys: } }', 'auth.api_keys.keys is not allowed. Allowed: a list of 0 to 200 keys'],
    ['auth: [api_keys]', 'auth is not allowed. Allowed: a map with api_keys, oidc.'],
    [
      '- auth',
      'the whole is not allowed. Allowed: a map with auth, roles, key_types, published_tiers, tiers, rate_limit_headers, quota_status, gateway, demo.',
    ],
    [keys('{ name: a, roles: [viewer] }'), 'auth.api_keys.keys[0].key is missing. Allowed: a text'],
    [keys('{ key: 12345, name: a, roles: [viewer] }'), 'auth.api_keys.keys[0].key is not allowed. Allowed: a text'],
    [keys('{ key: "${KEY}", roles: [viewer] }'), 'auth.api_keys.keys[0].name is missing. Allowed: 1 to 100 characters'],
    [keys('{ key: "${KEY}", name: a }'), 'auth.api_keys.keys[0].roles is missing. Allowed: a list of 1 to 100 names'],
    [keys('{ key: "${KEY}", name: a, roles: [] }'), 'auth.api_keys.keys[0].roles is not allowed.'],
    [keys('{ key: "${KEY}", name: a, roles: [1] }'), 'auth.api_keys.keys[0].roles[0] is not allowed.'],
    [
      keys('{ key: "${KEY}", name: a, roles: [owner] }'),
      'auth.api_keys.keys[0].roles[0] is an unknown role. Known: admin, editor, viewer. Define it under roles.',
    ],
    [keys('{ key: "${KEY}", name: " a", roles: [viewer] }'), 'auth.api_keys.keys[0].name is not allowed.'],
    [one(', workspace: "a b"'), 'auth.api_keys.keys[0].workspace is not allowed.'],
    [
      one(', scopes: [admin]'),
      'auth.api_keys.keys[0].scopes is not known. Allowed: a map with key, name, roles, workspace.',
    ],
    [
      keys('{ key: "${NOWHERE}", name: a, roles: [viewer] }'),
      'auth.api_keys.keys[0].key names the variable NOWHERE, which is not set.',
    ],
    [
      keys('{ key: "${EMPTY}", name: a, roles: [viewer] }'),
      'auth.api_keys.keys[0].key names the variable EMPTY, which is empty.',
    ],
    [keys('{ key: "", name: a, roles: [viewer] }'), 'auth.api_keys.keys[0].key is empty.'],
    ['auth: { oidc: { audience: api } }', 'auth.oidc.issuer is missing. Allowed: an https address'],
    ['auth: { oidc: { issuer: "https://a.example" } }', 'auth.oidc.audience is missing.'],
    ['auth: { oidc: { issuer: "http://a.example", audience: a } }', 'auth.oidc.issuer is not allowed.'],
    ['auth: { oidc: { issuer: "http://127.evil.example", audience: a } }', 'auth.oidc.issuer is not allowed.'],
    ['auth: { oidc: { issuer: "http://127.0.0.1@evil.example", audience: a } }', 'auth.oidc.issuer is not allowed.'],
    ['auth: { oidc: { issuer: "https://a.example?x=1", audience: a } }', 'auth.oidc.issuer is not allowed.'],
    [oidc(', jwks_uri: "http://a.example/k"'), 'auth.oidc.jwks_uri is not allowed.'],
    [oidc(', resource: "/graphql"'), 'auth.oidc.resource is not allowed.'],
    [oidc(', algorithms: []'), 'auth.oidc.algorithms is not allowed.'],
    [oidc(', algorithms: [none]'), 'auth.oidc.algorithms[0] is not allowed. Allowed: RS256'],
    [oidc(', algorithms: [RS256, HS256]'), 'auth.oidc.algorithms[1] is not allowed.'],
    [oidc(', clock_tolerance: 301'), 'auth.oidc.clock_tolerance is not allowed.'],
    [oidc(', scopes_claim: ""'), 'auth.oidc.scopes_claim is not allowed.'],
    [oidc(', client_secret: x'), 'auth.oidc.client_secret is not known. Allowed: a map with enabled, issuer'],
    [
      oidc(', workspace: default, workspace_claim: org'),
      'auth.oidc.workspace_claim is not allowed together with auth.oidc.workspace.',
    ],
    [
      keys('{ key: "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", name: a, roles: [viewer] }'),
      'auth.api_keys.keys[0].key has the form of a JWT. Choose another value',
    ],
    ['roles: { admin: [read:all] }', 'roles.admin is not allowed, because it is a built-in role'],
    ['roles: { analyst: [] }', 'roles.analyst is not allowed.'],
    ['roles: { analyst: [read] }', 'roles.analyst[0] is not allowed. Allowed: a scope'],
    ['roles: { analyst: read:all }', 'roles.analyst is not allowed.'],
    ['roles: { "a  b": [read:all] }', 'roles."a  b" is not known.'],
    ['roles: { __proto__: [admin] }', 'roles.__proto__ is not known.'],
    ['key_types: { PUBLIC: {} }', 'key_types.PUBLIC is not known. Allowed: a map with SECRET, CLIENT, READ_ONLY.'],
    ['key_types: { CLIENT: { prefix: CK } }', 'key_types.CLIENT.prefix is not allowed.'],
    [
      'key_types: { CLIENT: { prefix: lks } }',
      'key_types gives two types the same prefix: SECRET lks, CLIENT lks, READ_ONLY lkr.',
    ],
    [
      'key_types: { CLIENT: { scopes: [read:all, admin] } }',
      'key_types.CLIENT.scopes[1] is not allowed. Allowed: scopes of the form action:resource, except verify:keys.',
    ],
    ['key_types: { READ_ONLY: { scopes: [read-write] } }', 'key_types.READ_ONLY.scopes[0] is not allowed.'],
    ['tiers: { FREE: {} }', 'tiers.FREE.keys is missing. Give a new tier all limits, or copy them from another'],
    ['tiers: { GROWTH: }', 'tiers.GROWTH is not allowed. Allowed: a map with from, was, keys, admin_keys, per_minute,'],
    ['tiers: { GROWTH: none }', 'workspace, cost, quotas, credits; or removed.'],
    ['tiers: { ANONYMOUS: removed }', 'tiers.ANONYMOUS is not allowed. Allowed: a map with per_minute, per_second.'],
    ['tiers: { free: removed }', 'tiers: the name of a tier is "free". Allowed: a name of 1 to 40 characters'],
    [
      'tiers: { FREE: { from: growth } }',
      'tiers.FREE.from is not allowed. Allowed: the name of a tier, such as GROWTH.',
    ],
    [
      'tiers: { FREE: { was: [] } }',
      'tiers.FREE.was is not allowed. Allowed: the name of a tier, such as STARTER, or a',
    ],
    ['tiers: { FREE: { per_minut: 5 } }', 'tiers.FREE.per_minut is not known. Allowed: a map with from, was, keys,'],
    ['tiers: { FREE: { from: GROWTH, admin_keys: 0 } }', 'tiers.FREE.admin_keys is not allowed.'],
    ['tiers: { FREE: { keys: 1, per_minute: 5, per_second: 5, streams: 1 } }', 'tiers.FREE.admin_keys is missing.'],
    ['published_tiers: false', 'tiers: there is no tier. Define at least one.'],
    ['published_tiers: no', 'published_tiers is not allowed. Allowed: true or false.'],
    ['tiers: { GROWTH: { per_minute: 0 } }', 'tiers.GROWTH.per_minute is not allowed. Allowed: a whole number'],
    ['tiers: { GROWTH: { per_second: 1.5 } }', 'tiers.GROWTH.per_second is not allowed.'],
    ['tiers: { GROWTH: { categories: { delete: {} } } }', 'tiers.GROWTH.categories.delete is not known.'],
    [
      'tiers: { GROWTH: { categories: { read: { per_minute: 5 } } } }',
      'tiers.GROWTH.categories.read.per_second is missing.',
    ],
    [
      'tiers: { GROWTH: { categories: { write: { per_minute: 501, per_second: 5 } } } }',
      'tiers.GROWTH.categories.write.per_minute is 501. Allowed: an integer from 1 to 500, the limit of the tier.',
    ],
    [
      'tiers: { GROWTH: { keys: none } }',
      'tiers.GROWTH.keys is not allowed. Allowed: a whole number from 1 to 1000000, or unlimited.',
    ],
    ['a: 1\na: 2', 'cannot be read at line 2, column 1'],
  ])('%s', (text, expected) => {
    const message = faultOf(text, { KEY, EMPTY: '' });
    expect(message.startsWith(path)).toBe(true);
    expect(message).toContain(expected);
    expect(message).not.toMatch(/[\n\r]/);
    expect(message).toMatch(/\.$/);
  });
});

describe('a key that a person chose', () => {
  it.each([
    ['white space', 'with a space in it, long enough'],
    ['a line break', `${KEY}\n`],
    ['other characters', `${KEY}é`],
    ['too many characters', 'x'.repeat(257)],
    ['the form of a token', mintToken('lks', 'LIVE').token],
  ])('is refused with %s, and not repeated in the error', (_, value) => {
    const message = faultOf(one(''), { KEY: value });
    expect(message).toContain('auth.api_keys.keys[0].key ');
    expect(message).not.toContain(value.trim());
  });

  it('can have 1 to 256 characters, with a warning for a short key', () => {
    expect(read(one(''), { KEY: 'x'.repeat(256) }).warnings).toEqual([]);
    expect(read(one(''), { KEY: 'x'.repeat(20) }).warnings).toEqual([]);
    // F14: docker run --env-file keeps the quotes of its file.
    const [quoted] = read(one(''), { KEY: `"${'x'.repeat(40)}"` }).warnings;
    expect(quoted).toMatch(/^auth\.api_keys\.keys\[0\]\.key has quotes around it, and they are part of the key\./);
    expect(read(one(''), { KEY: 'x' }).warnings).toEqual([expect.stringContaining('fewer than 20 characters')]);
  });

  it('in plain text causes a warning, and is refused in production', () => {
    for (const written of [KEY, `\${KEY}${KEY}`, `$\${${KEY}`]) {
      const text = keys(`{ key: "${written}", name: one, roles: [viewer] }`);
      expect(read(text, { KEY }).warnings).toEqual([
        expect.stringContaining('keys[0].key is in plain text in the file'),
      ]);
      expect(faultOf(text, { KEY, NODE_ENV: 'production' })).toContain('is in plain text in the file');
      expect(faultOf(text, { KEY, NODE_ENV: 'production' })).not.toContain(KEY);
    }
    expect(read(one(''), { KEY, NODE_ENV: 'production' }).warnings).toEqual([]);
    expect(read(keys('{ key: "${A}${B}", name: one, roles: [viewer] }'), { A: KEY, B: KEY }).warnings).toEqual([]);
  });

  it("must be unique, have a unique name, and differ from the operator's key", () => {
    const two = (key: string, name: string): string =>
      keys('{ key: "${KEY}", name: one, roles: [viewer] }', `{ key: "\${${key}}", name: ${name}, roles: [viewer] }`);
    expect(faultOf(two('OTHER', 'one'), { KEY, OTHER: `${KEY}x` })).toContain('keys[1].name is that of keys[0]');
    expect(faultOf(two('KEY', 'two'), { KEY })).toContain('keys[1].key is that of keys[0]');
    // F13: composed and decomposed letters make the same name.
    const cafe = keys(
      '{ key: "${KEY}", name: "Caf\\u00e9", roles: [viewer] }',
      '{ key: "${OTHER}", name: "Cafe\\u0301", roles: [viewer] }',
    );
    expect(faultOf(cafe, { KEY, OTHER: `${KEY}x` })).toContain('keys[1].name is that of keys[0]');
    expect(read(two('OTHER', 'two'), { KEY, OTHER: `${KEY}x` }).keys).toHaveLength(2);
    expect(faultOf(one(''), { KEY: OPERATOR_KEY, ADMIN_API_KEY: OPERATOR_KEY })).toContain('is that of ADMIN_API_KEY');
  });

  it('is one of at most 200 keys', () => {
    const many = (count: number): string =>
      keys(...Array.from({ length: count }, (_, i) => `{ key: "\${KEY}${i}", name: k${i}, roles: [viewer] }`));
    expect(read(many(200), { KEY }).keys).toHaveLength(200);
    expect(faultOf(many(201), { KEY })).toContain('auth.api_keys.keys is not allowed.');
  });
});

describe('the file', () => {
  const faultAt = (at: string): string => {
    try {
      readSettings({ LATCHKEY_CONFIG: at });
    } catch (error) {
      return error instanceof SettingsError ? error.message : '';
    }
    return '';
  };

  it('must exist, be a regular file, and have a limited size if LATCHKEY_CONFIG names it', () => {
    expect(faultAt(join(dir, 'missing.yaml'))).toContain('does not exist');
    mkdirSync(join(dir, 'folder'));
    expect(faultAt(join(dir, 'folder'))).toContain('which is a directory');
    writeFileSync(path, `#${' '.repeat(1_000_000)}`);
    expect(faultAt(path)).toContain('at most 1000000 bytes');
    writeFileSync(path, Buffer.from([0x61, 0x3a, 0xff]));
    expect(faultAt(path)).toContain('not in UTF-8');
  });

  it('is optional in the working directory if LATCHKEY_CONFIG is not set', () => {
    const before = process.cwd();
    try {
      process.chdir(dir);
      writeFileSync(path, 'tiers: { GROWTH: { per_minute: 7 } }');
      expect(readSettings({}).configuration).toMatchObject({ path: './latchkey.yaml', tiers: { GROWTH: { rate: 7 } } });
      rmSync(path);
      expect(readSettings({}).configuration.path).toBeNull();
    } finally {
      process.chdir(before);
    }
  });

  it('that no longer exists at a reload is an error, not an empty configuration', () => {
    writeFileSync(path, 'roles: {}');
    const settings = readSettings({ LATCHKEY_CONFIG: path });
    writeFileSync(path, 'tiers: { GROWTH: { per_minute: 7 } }');
    expect(rereadConfiguration(settings, {}).tiers.GROWTH?.rate).toBe(7);
    rmSync(path);
    expect(() => rereadConfiguration(settings, {})).toThrow('does not exist');
  });
});

describe('a file with several faults', () => {
  const linesOf = (text: string, environment?: Record<string, string>): string[] =>
    faultOf(text, environment)
      .split('\n')
      .map((line) => line.replace(`${path}: `, ''));

  it('shows all faults of single values, also unset variables and unknown keys', () => {
    const text = `${keys('{ key: "${KEY}", name: one, roles: [viewer] }')}demo: maybe\nfoo: 1\nbar: 2\ntiers: { GROWTH: { per_minute: 0 } }\n`;
    expect(linesOf(text)).toEqual([
      expect.stringMatching(/^auth\.api_keys\.keys\[0\]\.key names the variable KEY, which is not set/),
      expect.stringMatching(/^tiers\.GROWTH\.per_minute is not allowed/),
      expect.stringMatching(/^demo is not allowed/),
      expect.stringMatching(/^foo is not known/),
      expect.stringMatching(/^bar is not known/),
    ]);
  });

  it('shows faults of values together with faults between values of other sections', () => {
    const text = `${keys(
      '{ key: "${KEY}", name: one, roles: [nobody] }',
      '{ key: "${KEY}", name: one, roles: [viewer] }',
      '{ key: short, name: three, roles: [nobody] }',
    )}roles: { admin: [admin] }\nkey_types: { CLIENT: { scopes: [admin] }, READ_ONLY: { scopes: [write:all] } }\nrate_limit_headers: 7\n`;
    expect(linesOf(text, { KEY })).toEqual([
      expect.stringMatching(/^rate_limit_headers is not allowed/),
      expect.stringMatching(/^roles\.admin is not allowed, because it is a built-in role/),
      expect.stringMatching(/^auth\.api_keys\.keys\[1\]\.name is that of keys\[0\]/),
      expect.stringMatching(/^key_types\.CLIENT\.scopes\[0\] is not allowed/),
      expect.stringMatching(/^key_types\.READ_ONLY\.scopes\[0\] is not allowed/),
    ]);
  });

  it('shows a fault of each tier, and no fault that only follows from another one', () => {
    const text = [
      'tiers:',
      '  GROWTH: { categories: { write: { per_minute: 900000, per_second: 1 } } }',
      '  ENTERPRISE: { categories: { read: { per_minute: 900000, per_second: 1 } } }',
      '  BIG: { from: NONE }',
      '  BIGGER: { from: BIG }',
    ];
    expect(linesOf(text.join('\n'))).toEqual([
      expect.stringMatching(/^tiers\.GROWTH\.categories\.write\.per_minute/),
      expect.stringMatching(/^tiers\.ENTERPRISE\.categories\.read\.per_minute/),
      expect.stringMatching(/^tiers\.BIG\.from/),
    ]);
  });

  it("doesn't say that a role is unknown if the roles have a fault", () => {
    const text = `${keys('{ key: "${KEY}", name: one, roles: [etl] }')}roles: { etl: [7] }\n`;
    expect(linesOf(text, { KEY })).toEqual([expect.stringMatching(/^roles\.etl\[0\] is not allowed/)]);
  });

  it.each([
    ['tiers: { BIG: { per_minute: -1 } }\npublished_tiers: false\n', /^tiers\.BIG\.per_minute is not allowed/],
    ['tiers: { BIG: { keys: 1 } }\npublished_tiers: 7\n', /^published_tiers is not allowed/],
  ])('shows no fault of the table of tiers if one of its sections has a fault: %j', (text, fault) => {
    expect(linesOf(text)).toEqual([expect.stringMatching(fault)]);
  });

  it('shows at most 20 faults, and how many more there are', () => {
    const text = Array.from({ length: 25 }, (_, i) => `unknown${i}: 1\n`).join('');
    const lines = linesOf(text);
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe('5 more faults are not shown.');
  });

  it('shows the faults of environment variables, too', () => {
    expect(linesOf('foo: 1', { PORT: 'x', WORKERS: 'y' })).toEqual([
      expect.stringMatching(/^PORT is "x"/),
      expect.stringMatching(/^WORKERS is "y"/),
      expect.stringMatching(/^foo is not known/),
    ]);
  });
});
