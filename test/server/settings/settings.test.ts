import { availableParallelism } from 'node:os';
import { inspect } from 'node:util';
import { mintToken } from '../../../src/core/keys/token.js';
import { NO_FILE } from '../../../src/server/settings/fileConfiguration.js';
import { OPTIONS, type Option } from '../../../src/server/settings/options.js';
import { readSettings, SettingsError, type Settings } from '../../../src/server/settings/settings.js';

const LONG = 'x'.repeat(32);
const OTHER = 'y'.repeat(40);

function faultOf(environment: Record<string, string>): string {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error('Nothing was wrong.');
}

test('the defaults', () => {
  expect(readSettings({})).toEqual({
    port: 4000,
    host: '127.0.0.1',
    publicUrl: null,
    mongodbUri: null,
    dataDir: './data',
    redisUrl: null,
    operator: null,
    peppers: [],
    configuration: NO_FILE,
    bcryptCost: 10,
    cacheTtl: 1_000,
    keepEndedKeys: null,
    shutdownDelay: 3_000,
    answer: { fields: 50_000, eventFields: 10_000, bytes: 8_388_608 },
    maxConnections: 16_000,
    maxStreams: 10_000,
    maxStreamBytes: 67_108_864,
    trustProxy: [],
    trustProxyHeader: 'x-forwarded-for',
    requireHttps: false,
    tls: null,
    auditHeads: { file: null, webhook: null },
    corsOrigins: [],
    corsRequestHeaders: [],
    corsResponseHeaders: [],
    introspection: 'authenticated',
    cost: 'enforce',
    proxies: null,
    authAudiences: [],
    dashboard: true,
    metrics: null,
    tracing: false,
    gateway: null,
    configWatch: true,
    logLevel: 'info',
    workers: null,
    warnings: [],
  } satisfies Settings);
});

test.each(Object.entries<Option<unknown>>(OPTIONS))('%s documents its default correctly', (name, option) => {
  expect(option.about).toMatch(/^\S.*[^.\s]$/);
  expect(option.default === undefined || option.unset === undefined).toBe(true);
  if (option.default !== undefined) expect(readSettings({ [name]: option.default })).toMatchObject(readSettings({}));
});

test('the settings are deeply frozen', () => {
  const settings = readSettings({});
  for (const part of [
    settings,
    settings.configuration,
    settings.configuration.prefixes,
    settings.auditHeads,
    settings.corsOrigins,
    settings.trustProxy,
    settings.authAudiences,
    settings.peppers,
  ]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('R5: introspection needs a key on every store by default', () => {
  expect(readSettings({}).introspection).toBe('authenticated');
  expect(readSettings({ INTROSPECTION: 'on' }).introspection).toBe('on');
  const MONGODB_URI = 'mongodb://db/latchkey';
  expect(readSettings({ MONGODB_URI }).introspection).toBe('authenticated');
  expect(readSettings({ MONGODB_URI, INTROSPECTION: 'on' }).introspection).toBe('on');
});

test('serves metrics on HOST by default or on METRICS_HOST, and never on PORT', () => {
  expect(readSettings({ METRICS_PORT: '9090' }).metrics).toEqual({
    port: 9090,
    host: '127.0.0.1',
    hostName: 'HOST',
  });
  expect(readSettings({ METRICS_PORT: '9090', HOST: '0.0.0.0' }).metrics).toEqual({
    port: 9090,
    host: '0.0.0.0',
    hostName: 'HOST',
  });
  expect(readSettings({ METRICS_PORT: '9090', HOST: '0.0.0.0', METRICS_HOST: '10.0.0.1' }).metrics).toEqual({
    port: 9090,
    host: '10.0.0.1',
    hostName: 'METRICS_HOST',
  });
  expect(faultOf({ METRICS_PORT: '9090', PORT: '9090' })).toContain("which is the API's own port");
  expect(readSettings({ METRICS_PORT: '0', PORT: '0' }).metrics?.port).toBe(0);
  expect(Object.isFrozen(readSettings({ METRICS_PORT: '9090' }).metrics)).toBe(true);
});

test('requires HTTPS in production by default', () => {
  const inProduction = (more: Record<string, string> = {}) =>
    readSettings({ NODE_ENV: 'production', ...more }).requireHttps;
  expect([inProduction(), inProduction({ REQUIRE_HTTPS: 'false' })]).toEqual([true, false]);
  expect(readSettings({ NODE_ENV: 'development' }).requireHttps).toBe(false);
  expect(readSettings({ NODE_ENV: 'development', REQUIRE_HTTPS: 'true' }).requireHttps).toBe(true);
});

test('refuses a certificate without its key, and the reverse, so that the server never falls back to plain HTTP', () => {
  const { tls } = readSettings({ TLS_CERT: '/tls/cert.pem', TLS_KEY: '/tls/key.pem' });
  expect(tls).toEqual({ cert: '/tls/cert.pem', key: '/tls/key.pem' });
  expect(Object.isFrozen(tls)).toBe(true);
  expect(faultOf({ TLS_CERT: '/tls/cert.pem' })).toBe(
    'TLS_CERT is set without TLS_KEY. Allowed: both of them, or neither.',
  );
  expect(faultOf({ TLS_KEY: '/tls/key.pem' })).toBe(
    'TLS_KEY is set without TLS_CERT. Allowed: both of them, or neither.',
  );
});

test('R8: refuses the address of a webhook without its secret, and the reverse', () => {
  const url = 'https://heads.example/latchkey?tenant=1';
  const { auditHeads } = readSettings({
    AUDIT_HEADS_FILE: '/audit/heads.jsonl',
    AUDIT_HEADS_WEBHOOK: url,
    AUDIT_HEADS_WEBHOOK_SECRET: LONG,
  });
  expect(auditHeads).toEqual({ file: '/audit/heads.jsonl', webhook: { url, secret: LONG } });
  expect([Object.isFrozen(auditHeads), Object.isFrozen(auditHeads.webhook)]).toEqual([true, true]);
  expect(faultOf({ AUDIT_HEADS_WEBHOOK: url })).toBe(
    'AUDIT_HEADS_WEBHOOK is set without AUDIT_HEADS_WEBHOOK_SECRET. Allowed: both of them, or neither.',
  );
  expect(faultOf({ AUDIT_HEADS_WEBHOOK_SECRET: LONG })).toBe(
    'AUDIT_HEADS_WEBHOOK_SECRET is set without AUDIT_HEADS_WEBHOOK. Allowed: both of them, or neither.',
  );
});

test('ignores other variables', () => {
  expect(readSettings({ LATCHKEY_PORT: 'x', PATH: '', __proto__: 'x' })).toEqual(readSettings({}));
});

describe('valid values', () => {
  it.each<[keyof typeof OPTIONS, string, object]>([
    ['PORT', '0', { port: 0 }],
    ['PORT', '65535', { port: 65_535 }],
    ['HOST', '0.0.0.0', { host: '0.0.0.0' }],
    ['HOST', '::1', { host: '::1' }],
    ['HOST', 'api.example.com', { host: 'api.example.com' }],
    ['MONGODB_URI', 'mongodb+srv://u:p@c.example/db', { mongodbUri: 'mongodb+srv://u:p@c.example/db' }],
    ['DATA_DIR', '/var/lib/latch key', { dataDir: '/var/lib/latch key' }],
    ['REDIS_URL', 'redis://cache', { redisUrl: 'redis://cache' }],
    ['REDIS_URL', 'rediss://u:p%40@[::1]:6380/15', { redisUrl: 'rediss://u:p%40@[::1]:6380/15' }],
    ['REDIS_URL', 'redis://:p@127.0.0.1:6379/', { redisUrl: 'redis://:p@127.0.0.1:6379/' }],
    ['KEY_PEPPER', LONG, { peppers: [LONG] }],
    ['KEY_PEPPER', `${LONG}, ${OTHER}`, { peppers: [LONG, OTHER] }],
    ['KEY_PREFIXES', 'SECRET:aa', { configuration: { prefixes: { SECRET: 'aa', CLIENT: 'lkc', READ_ONLY: 'lkr' } } }],
    [
      'KEY_PREFIXES',
      'READ_ONLY:r2, CLIENT:lks ,SECRET:lkc',
      { configuration: { prefixes: { SECRET: 'lkc', CLIENT: 'lks', READ_ONLY: 'r2' } } },
    ],
    ['BCRYPT_COST', '4', { bcryptCost: 4 }],
    ['BCRYPT_COST', '15', { bcryptCost: 15 }],
    ['DEFAULT_TIER', 'FREE_TRIAL', { configuration: { ...NO_FILE, defaultTier: 'FREE_TRIAL' } }],
    ['MAX_ANSWER_FIELDS', '1000', { answer: { fields: 1_000, eventFields: 10_000, bytes: 8_388_608 } }],
    ['MAX_EVENT_FIELDS', '2000', { answer: { fields: 50_000, eventFields: 2_000, bytes: 8_388_608 } }],
    ['MAX_ANSWER_BYTES', '10000', { answer: { fields: 50_000, eventFields: 10_000, bytes: 10_000 } }],
    ['MAX_CONNECTIONS', '1', { maxConnections: 1 }],
    ['MAX_STREAMS', '1', { maxStreams: 1 }],
    ['MAX_STREAM_BYTES', '4194304', { maxStreamBytes: 4_194_304 }],
    ['DEMO', 'off', { configuration: { demo: false } }],
    ['DEMO', 'on', { configuration: { demo: true } }],
    ['RATE_LIMIT_HEADERS', 'legacy', { configuration: { rateLimitHeaders: 'legacy' } }],
    ['RATE_LIMIT_HEADERS', 'both', { configuration: { rateLimitHeaders: 'both' } }],
    ['AUTH_CACHE_TTL', '0', { cacheTtl: 0 }],
    ['AUTH_CACHE_TTL', '60000', { cacheTtl: 60_000 }],
    ['KEEP_ENDED_KEYS', '90d', { keepEndedKeys: 90 * 86_400_000 }],
    ['KEEP_ENDED_KEYS', '36500d', { keepEndedKeys: 36_500 * 86_400_000 }],
    ['KEEP_ENDED_KEYS', 'forever', { keepEndedKeys: null }],
    ['SHUTDOWN_DELAY', '0', { shutdownDelay: 0 }],
    ['SHUTDOWN_DELAY', '300000', { shutdownDelay: 300_000 }],
    ['TRUST_PROXY', 'false', { trustProxy: [] }],
    ['TRUST_PROXY', '127.0.0.1, 10.0.0.0/8,::1/128', { trustProxy: ['127.0.0.1', '10.0.0.0/8', '::1/128'] }],
    ['TRUST_PROXY_HEADER', 'Forwarded', { trustProxyHeader: 'forwarded' }],
    ['TRUST_PROXY_HEADER', 'X-Forwarded-For', { trustProxyHeader: 'x-forwarded-for' }],
    ['REQUIRE_HTTPS', 'true', { requireHttps: true }],
    ['REQUIRE_HTTPS', 'false', { requireHttps: false }],
    [
      'CORS_ORIGINS',
      'https://a.example, http://localhost:3000',
      { corsOrigins: ['https://a.example', 'http://localhost:3000'] },
    ],
    ['CORS_ORIGINS', '*', { corsOrigins: ['*'] }],
    [
      'CORS_ORIGINS',
      'HTTPS://App.Example:443,https://[::1],http://[2001:DB8::1]:8080,https://bücher.example',
      {
        corsOrigins: [
          'https://app.example',
          'https://[::1]',
          'http://[2001:db8::1]:8080',
          'https://xn--bcher-kva.example',
        ],
      },
    ],
    [
      'CORS_ORIGINS',
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop,capacitor://localhost,app://,Ionic://localhost,tauri://localhost,moz-extension://0f1e2d3c-0000-4000-8000-000000000000,vscode-webview://abc:8080',
      {
        corsOrigins: [
          'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
          'capacitor://localhost',
          'app://',
          'ionic://localhost',
          'tauri://localhost',
          'moz-extension://0f1e2d3c-0000-4000-8000-000000000000',
          'vscode-webview://abc:8080',
        ],
      },
    ],
    ['CORS_REQUEST_HEADERS', 'traceparent, X-Client', { corsRequestHeaders: ['traceparent', 'X-Client'] }],
    ['CORS_RESPONSE_HEADERS', 'X-Served-By', { corsResponseHeaders: ['X-Served-By'] }],
    ['INTROSPECTION', 'off', { introspection: 'off' }],
    ['INTROSPECTION', 'scoped', { introspection: 'scoped' }],
    ['DASHBOARD', 'on', { dashboard: true }],
    ['DASHBOARD', 'off', { dashboard: false }],
    ['METRICS_PORT', '0', { metrics: { port: 0, host: '127.0.0.1' } }],
    ['METRICS_HOST', '::', { metrics: null }],
    ['CONFIG_WATCH', 'off', { configWatch: false }],
    ['AUTH_AUDIENCES', 'orders, https://x.example/a', { authAudiences: ['orders', 'https://x.example/a'] }],
    ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
    ['WORKERS', '1', { workers: 1 }],
    ['WORKERS', '64', { workers: 64 }],
    ['WORKERS', 'auto', { workers: Math.min(availableParallelism(), 64) }],
  ])('%s=%s', (name, text, expected) => {
    expect(readSettings({ [name]: text })).toMatchObject(expected);
  });
});

describe('invalid values', () => {
  const BAD: Readonly<Record<keyof typeof OPTIONS, readonly string[]>> = {
    PORT: ['65536', '-1', '80a', '4e3', ' 4000', '0x50', '80.5', 'true', '9999999999'],
    HOST: ['a b', 'http://x', 'x/y', 'é'],
    PUBLIC_URL: [
      'http://api.example',
      'api.example',
      'https://api.example?x',
      'https://u:p@api.example',
      'ftp://api.example',
    ],
    MONGODB_URI: ['http://db', 'db:27017', 'mongodb://', 'mongodb://a b'],
    DATA_DIR: [],
    REDIS_URL: [
      'cache:6379',
      'http://cache',
      'redis://',
      'redis://a b',
      'redis://cache:port',
      'redis://cache/name',
      'redis://cache/0/1',
      'redis://cache?socketTimeout=0',
      'redis://cache#x',
      'redis://u:%zz@cache',
    ],
    ADMIN_API_KEY: [
      'x'.repeat(31),
      'x'.repeat(257),
      `${LONG} x`,
      `${LONG}é`,
      `${LONG}\n`,
      `eyJhbGciOiJIUzI1NiJ9.e30.${LONG.replace(/[^a-z]/gi, 'x')}`,
    ],
    KEY_PEPPER: ['x'.repeat(31), `${LONG},short`, `${LONG},`],
    KEY_PREFIXES: [
      'aa',
      'SECRET',
      'SECRET:',
      'SECRET:AA',
      'SECRET:1a',
      'SECRET:a_b',
      'ADMIN:aa',
      'SECRET:aa:bb',
      'SECRET:lkc',
      'secret:aa',
      'SECRET:abcdefghijk',
      'constructor:aa',
    ],
    LATCHKEY_CONFIG: [],
    BCRYPT_COST: ['3', '16', '10.5', 'ten'],
    DEFAULT_TIER: ['growth', 'ANONYMOUS', 'toString'],
    AUTH_CACHE_TTL: ['60001', '-1', '1s', '0.5'],
    KEEP_ENDED_KEYS: ['0d', '36501d', '90', '-1d', '1.5d', '90D', 'P90D', 'never', '9999999999d'],
    SHUTDOWN_DELAY: ['300001', '-1', '3s', '0.5'],
    MAX_ANSWER_FIELDS: ['0', '999', '100000001', 'many'],
    MAX_EVENT_FIELDS: ['0', '999', '100000001', 'many'],
    MAX_ANSWER_BYTES: ['0', '9999', '500000001', '8MB'],
    RATE_LIMIT_HEADERS: ['Draft', 'none', 'legacy,draft'],
    MAX_CONNECTIONS: ['0', '-1', '1000001', 'many'],
    MAX_STREAMS: ['0', '-1', '1000001', 'many'],
    MAX_STREAM_BYTES: ['0', '4194303', '1000000000', '64MiB'],
    TRUST_PROXY: [
      'true',
      '1',
      'loopback',
      '10.0.0.0/33',
      '::/129',
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
      '127.0.0.1,',
      '0.0.0.0/0',
      '10.0.0.0/8,::/0',
      'false,127.0.0.1',
    ],
    TRUST_PROXY_HEADER: ['true', 'x-real-ip', 'forwarded,x-forwarded-for'],
    AUTH_AUDIENCES: ['orders,', 'a b', 'é', 'x'.repeat(201)],
    REQUIRE_HTTPS: ['TRUE', '1', 'on', 'yes', 'production'],
    AUDIT_HEADS_FILE: [],
    AUDIT_HEADS_WEBHOOK: [
      'heads.example',
      'ftp://heads.example',
      'https://u:p@heads.example',
      'https://a b',
      'https://',
    ],
    AUDIT_HEADS_WEBHOOK_SECRET: ['x'.repeat(31)],
    TLS_CERT: [],
    TLS_KEY: [],
    CORS_ORIGINS: [
      'a.example',
      'https://a.example/',
      'https://a.example/path',
      'https://*.a.example',
      'null',
      'ftp://a',
      'https://a.example,',
      'https://u:p@a.example',
      'https://a.example:65536',
      'https://[::g]',
      'https://',
      'https://a b.example',
      'file://',
      'data://x',
      'ws://a.example',
      'app://a/b',
      'app://a?b',
      'app:a',
      'app://*',
      'app://a:99999',
      '1app://a',
      'NULL',
      `app://${'a'.repeat(300)}`,
    ],
    CORS_REQUEST_HEADERS: ['*', 'a b', 'x:y', 'Cookie', 'Sec-Fetch-Mode', 'x,', 'é', Array(51).fill('a').join()],
    CORS_RESPONSE_HEADERS: ['*', 'a b', 'Set-Cookie', 'x,,y'],
    INTROSPECTION: ['true', 'ON', 'yes', 'scope'],
    COST: ['on', 'true', 'Enforce', 'measured'],
    DASHBOARD: ['true', 'no', 'ON', '/dashboard'],
    DEMO: ['false', 'Off', '0'],
    GATEWAY_UPSTREAM: [
      'api:8000',
      'ftp://api/graphql',
      'http://u:p@api/graphql',
      'http://api/graphql?x=1',
      'http://api/graphql#x',
      'http://169.254.169.254/latest',
      'http://[fe80::1]/graphql',
      'http://[::ffff:169.254.169.254]/graphql',
      'http://0.0.0.0/graphql',
      'http://2852039166/graphql',
      'http://[ff02::1]/graphql',
    ],
    GATEWAY_SCHEMA: [],
    GATEWAY_POLICY: [],
    GATEWAY_ON_DENIED: ['hide', 'Filter'],
    GATEWAY_TIMEOUT: ['99', '600001', '1s'],
    GATEWAY_CONNECTIONS: ['0', '100001', 'many'],
    GATEWAY_MAX_UPLOAD_BYTES: ['-1', '10MB'],
    GATEWAY_UPLOAD_TIMEOUT: ['9999', '3600001', '5m'],
    GATEWAY_AUTHORIZATION: ['token', 'Bearer  two', 'Bearer a\nb', 'Bearer é'],
    GATEWAY_REQUEST_HEADERS: [
      'Authorization',
      'x-api-key',
      'Cookie',
      'Latchkey-Principal',
      'Latchkey_Principal',
      'X-Forwarded-For',
      'Host',
      'Transfer-Encoding',
      'a b',
      'X-Tenant,',
    ],
    GATEWAY_RESPONSE_HEADERS: ['Set-Cookie', 'Location', 'Access-Control-Allow-Origin', 'Connection', 'a b'],
    GATEWAY_WEBSOCKETS: ['on', 'http://127.0.0.1:8000/graphql', 'ws://169.254.169.254/', 'ws://user@127.0.0.1/'],
    GATEWAY_CHECK_INTERVAL: ['-1', '86401', '1m'],
    GATEWAY_AUDIENCE: ['a b', 'é', 'x'.repeat(501)],
    METRICS_PORT: ['65536', '-1', '9090a', '4000'],
    METRICS_HOST: ['a b', 'http://x', 'x/y', 'é'],
    CONFIG_WATCH: ['true', 'ON', '10'],
    LOG_LEVEL: ['verbose', 'INFO'],
    WORKERS: ['0', '65', '-1', '2.5', 'all', 'AUTO'],
  };
  const cases = Object.entries(BAD).flatMap(([name, texts]) =>
    ['', '  ', ...texts].map((text) => [name, text] as const),
  );

  it.each(cases)(
    '%s=%j makes the start fail with one line: the variable, what is wrong, and what is allowed',
    (name, text) => {
      const message = faultOf({ [name]: text });
      expect(message).not.toMatch(/[\n\r]/);
      expect(message.startsWith(`${name} `)).toBe(true);
      expect(message.endsWith(`Allowed: ${OPTIONS[name as keyof typeof OPTIONS].allowed}.`)).toBe(true);
      expect(message.length).toBeGreaterThan(
        `${name} . Allowed: ${OPTIONS[name as keyof typeof OPTIONS].allowed}.`.length + 5,
      );
    },
  );

  it('DEFAULT_TIER names a tier of the configuration', () => {
    expect(faultOf({ DEFAULT_TIER: 'FREE' })).toBe(
      'DEFAULT_TIER is FREE, which is not a tier. Allowed: one of FREE_TRIAL, STARTER, GROWTH, PROFESSIONAL, ENTERPRISE.',
    );
  });

  it('include every variable', () => {
    expect(Object.keys(BAD)).toEqual(Object.keys(OPTIONS));
  });

  // A peer that trusts the left-most X-Forwarded-For lets callers choose their own address.
  it('TRUST_PROXY accepts neither true nor a number of hops', () => {
    for (const text of ['true', '1', '2', '*', '0.0.0.0/x'])
      expect(faultOf({ TRUST_PROXY: text })).toContain('TRUST_PROXY');
  });
});

describe('never repeats secrets', () => {
  const secret = 'hunter2-hunter2';
  it.each([
    ['ADMIN_API_KEY', secret],
    ['ADMIN_API_KEY', `${secret} and white space, long enough`],
    ['KEY_PEPPER', secret],
    ['KEY_PEPPER', `${LONG},${secret}`],
    ['MONGODB_URI', `postgres://root:${secret}@db`],
    ['REDIS_URL', `redis://root:${secret}@cache/name`],
    ['GATEWAY_UPSTREAM', `http://root:${secret}@api/graphql`],
    ['PUBLIC_URL', `http://root:${secret}/a@api.example`],
    ['CORS_ORIGINS', `https://a.example,https://root:${secret}@b.example`],
  ])('%s', (name, text) => expect(faultOf({ [name]: text })).not.toContain('hunter2'));
});

test('shows a value that is not a secret, quoted and shortened, so that you can find it', () => {
  expect(faultOf({ PORT: 'abc\n\u001b[31m' })).toContain('PORT is "abc\\n\\u001b[31m", which is not a whole number');
  expect(faultOf({ LOG_LEVEL: 'x'.repeat(10_000) }).length).toBeLessThan(300);
});

test.each([LONG, 'x'.repeat(256)])('keeps ADMIN_API_KEY only as a hash', (key) => {
  const settings = readSettings({ ADMIN_API_KEY: key });
  expect(settings.operator?.matches(key)).toBe(true);
  expect(settings.operator?.matches(`${key}x`)).toBe(false);
  expect(inspect(settings, { depth: Infinity, showHidden: true })).not.toContain(key);
});

test('refuses a Latchkey token as ADMIN_API_KEY, because it is stored and revoked elsewhere', () => {
  const { token } = mintToken('lks', 'LIVE');
  const message = faultOf({ ADMIN_API_KEY: token });
  expect(message).toContain('is a key that Latchkey created');
  expect(message).not.toContain(token);
});

test('reads process.env by default', () => {
  const before = process.env.PORT;
  process.env.PORT = '12345';
  try {
    expect(readSettings().port).toBe(12_345);
  } finally {
    if (before === undefined) delete process.env.PORT;
    else process.env.PORT = before;
  }
});

describe('F14: says what is wrong with a value and how to fix it', () => {
  const names = Object.keys(OPTIONS) as (keyof typeof OPTIONS)[];
  /** Values that people may write by mistake. */
  const WRONG = [
    ...['', ' ', '\t\n', 'true', 'false', '1', '-1', '1.5', '1e3', '0x50', '999999999999', 'null', '{}', '[]', ','],
    ...[
      'a,b',
      ',127.0.0.1',
      '127.0.0.1,,10.0.0.1',
      'a\nb',
      'é',
      '\u0000',
      '/nowhere/latchkey.yaml',
      'http://',
      'https://a b',
    ],
    ...[
      'x'.repeat(100_000),
      '9'.repeat(400),
      `${LONG},short`,
      'SECRET:aa,SECRET',
      ' on',
      '"on"',
      "'info'",
      '"4000"',
      '"',
      "''",
    ],
  ];

  it.each(names)('%s is accepted, or refused in one plain sentence', (name) => {
    for (const text of WRONG) {
      let message: string;
      try {
        readSettings({ [name]: text });
        continue;
      } catch (error) {
        expect(error).toBeInstanceOf(SettingsError);
        ({ message } = error as SettingsError);
      }
      expect(message).toMatch(/^[A-Z_]+ (is|has) \S.*\. ?(Allowed: .+|(Correct|Give|Let) .+)\.$/);
      expect(message).not.toMatch(/Invalid input|undefined|\[object|none of|no such|\n/);
      expect(message.length).toBeLessThan(600);
    }
  });

  it.each([
    ['TRUST_PROXY', 'true', 'is "true", which is not an address or a CIDR range'],
    ['TRUST_PROXY', '1', 'is "1", which is not an address or a CIDR range'],
    ['TRUST_PROXY', '10.0.0.0/8,proxy.internal', 'has "proxy.internal", which is not an address or a CIDR range'],
    ['TRUST_PROXY', '10.0.0.1,', 'has "", which is empty: remove the extra comma'],
    [
      'TRUST_PROXY',
      '0.0.0.0/0',
      'is "0.0.0.0/0", which includes all addresses, so callers could choose their own address',
    ],
    ['TRUST_PROXY', 'false,10.0.0.1', 'is "false,10.0.0.1", which has proxies in addition to false'],
    ['CORS_ORIGINS', 'https://a.example,b', 'has "b", which is not an origin'],
    ['KEY_PREFIXES', 'SECRET:aa,client:bb', 'has "client:bb", which does not begin with a key type'],
    ['KEY_PREFIXES', 'SECRET:a-b', 'is "SECRET:a-b", which has no prefix of that form'],
    ['KEY_PREFIXES', 'SECRET:lkc', 'is "SECRET:lkc", which gives two key types the same prefix'],
    ['KEY_PEPPER', `${LONG},short`, 'has a value that is too short: number 2'],
    ['KEY_PEPPER', 'short', 'is too short'],
    ['PORT', '99999999999', 'is "99999999999", which is out of range'],
    ['PORT', ' 4000', 'has blanks around its value; remove them'],
    ['PORT', '"4000"', 'has quotes around its value; remove them'],
    ['LOG_LEVEL', "'info'", 'has quotes around its value; remove them'],
    ['TRUST_PROXY', '"10.0.0.0/8,127.0.0.1"', 'has quotes around its value; remove them'],
    ['MONGODB_URI', '"mongodb://db/latchkey"', 'has quotes around its value; remove them'],
    ['WORKERS', 'all', 'is "all", which is neither a whole number nor auto'],
    ['WORKERS', '0', 'is "0", which is out of range'],
    ['DASHBOARD', 'yes', 'is "yes", which is not one of the allowed values'],
  ])('%s=%s', (name, text, expected) => {
    const { allowed } = OPTIONS[name as keyof typeof OPTIONS];
    expect(faultOf({ [name]: text })).toBe(`${name} ${expected}. Allowed: ${allowed}.`);
  });
});

describe('F14: quotes that are part of a value', () => {
  it.each([
    ['ADMIN_API_KEY', `"${LONG}"`],
    ['ADMIN_API_KEY', `'${LONG}'`],
    ['KEY_PEPPER', `"${LONG}"`],
    ['KEY_PEPPER', `${LONG},"${OTHER}"`],
  ])('of %s cause a warning at startup, without the value', (name, text) => {
    const { warnings } = readSettings({ [name]: text });
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`^${name} has quotes around its value, and they are part of it\\.`)),
    ]);
    expect(warnings[0]).not.toContain(text.replace(/["']/g, '').slice(0, 8));
    expect(readSettings({ [name]: text.replace(/["']/g, '') }).warnings).toEqual([]);
  });

  it.each(['DATA_DIR', 'LATCHKEY_CONFIG', 'AUDIT_HEADS_FILE'])('N16: around the path %s are refused', (name) => {
    for (const text of ['"/data"', "'/data'", '" /data "', '""', ' "/data"']) {
      expect(faultOf({ [name]: text })).toMatch(
        new RegExp(`^${name} has (quotes|blanks) around its value; remove them\\.`),
      );
    }
    expect(faultOf({ [name]: '/da\u0000ta' })).toContain('which has control characters');
    if (name === 'LATCHKEY_CONFIG') return;
    for (const text of ['/da"ta', '"/data', "/data'", "/it's/here"])
      expect(() => readSettings({ [name]: text })).not.toThrow();
  });

  it('in the middle of a value are allowed', () => {
    for (const text of [`${LONG}"`, `"${LONG}`, `${LONG}"x"y`])
      expect(readSettings({ ADMIN_API_KEY: text }).warnings).toEqual([]);
  });
});

test.each([
  ['CORS_ORIGINS', 'https://a.example,null', '"null"', /sandboxed frame/],
  ['CORS_ORIGINS', 'https://a.example,https://b.example/path', '"https://b.example/path"', /more than an origin/],
  ['CORS_ORIGINS', 'https://*.b.example', '"https://*.b.example"', /wildcard/],
  ['CORS_ORIGINS', 'file://,https://a.example', '"file://"', /scheme file/],
  ['CORS_REQUEST_HEADERS', 'X-A,Cookie', '"Cookie"', /browser itself/],
])('CORS: the error of %s=%s names the item and what is wrong', (name, text, item, what) => {
  const message = faultOf({ [name]: text });
  expect(message).toContain(item);
  expect(message).toMatch(what);
});
