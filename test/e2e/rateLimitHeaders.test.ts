import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLatchkey } from '../../src/latchkey.js';
import { readSettings, rereadConfiguration } from '../../src/server/settings/settings.js';
import { openSqliteStore } from '../../src/core/store/sqlite/open.js';
import { openStream } from '../support/streams.js';
import { createKey, startService, type TestService } from '../support/service.js';

const DRAFT = ['ratelimit', 'ratelimit-policy'];
const LEGACY = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'];
const APP = 'https://app.example.com';

const limitNames = (headers: Headers): string[] => [...headers.keys()].filter((name) => name.startsWith('ratelimit'));

describe.each([
  ['draft', DRAFT, 'RateLimit-Policy, RateLimit'],
  ['legacy', LEGACY, 'RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset'],
  [
    'both',
    [...DRAFT, ...LEGACY].sort(),
    'RateLimit-Policy, RateLimit, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset',
  ],
] as const)('RATE_LIMIT_HEADERS=%s', (style, names, exposed) => {
  let latchkey: TestService;
  beforeAll(async () => {
    // Frozen: on a busy machine a window would have room again before its refusal is sent.
    const now = Date.now();
    latchkey = await startService({
      now: () => now,
      env: { RATE_LIMIT_HEADERS: style, DEFAULT_TIER: 'PROFESSIONAL', CORS_ORIGINS: APP },
    });
  });
  afterAll(() => latchkey.close());

  it('sends those fields in responses, refusals, syntax errors, other methods, MCP and responses without a key', async () => {
    const { token } = await createKey(latchkey);
    const answered = await latchkey.query('{ viewer { scopes } }', { token });
    const refused = await latchkey.query('{ apiKeys { nodes { id } } }', { token });
    const broken = await latchkey.query('{', { token });
    expect([answered.status, refused.status, broken.status]).toEqual([200, 403, 400]);
    const mcp = await fetch(`${latchkey.origin}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });
    expect(mcp.status).toBe(200);
    for (const { headers } of [answered, refused, broken, mcp]) expect(limitNames(headers)).toEqual([...names]);
    expect(limitNames((await latchkey.query('{ __typename }', { token: null })).headers)).toEqual([...names]);
  });

  it('sends them with Retry-After in a refusal by the limits', async () => {
    const { token } = await createKey(latchkey);
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => latchkey.query('{ viewer { scopes } }', { token })),
    );
    const refused = answers.find(({ status }) => status === 429);
    if (refused === undefined) throw new Error('Nothing was refused.');
    expect(limitNames(refused.headers)).toEqual([...names]);
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    if (style !== 'draft') expect(refused.headers.get('ratelimit-reset')).toBe(refused.headers.get('retry-after'));
  });

  it('sends them at the start of a stream', async () => {
    const { token } = await createKey(latchkey);
    const stream = await openStream(latchkey.origin, 'subscription { assetChanged { name } }', { token });
    try {
      expect(stream.status).toBe(200);
      expect(limitNames(stream.headers)).toEqual([...names]);
    } finally {
      stream.close();
    }
  });

  it('allows pages of other origins to read those fields', async () => {
    const { headers } = await latchkey.query('{ viewer { scopes } }', { headers: { origin: APP } });
    expect(headers.get('access-control-expose-headers')).toBe(
      `${exposed}, Retry-After, WWW-Authenticate, X-Request-Id`,
    );
  });
});

describe('rate_limit_headers in the file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const path = join(directory, 'latchkey.yaml');
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('takes effect immediately after a reload, and RATE_LIMIT_HEADERS takes precedence', async () => {
    writeFileSync(path, 'rate_limit_headers: legacy\n');
    const env = { LATCHKEY_CONFIG: path };
    const latchkey = await startService({ env });
    try {
      const ask = async () => limitNames((await latchkey.query('{ viewer { scopes } }')).headers);
      expect(await ask()).toEqual(LEGACY);
      writeFileSync(path, 'rate_limit_headers: both\n');
      await latchkey.service.reconfigure(rereadConfiguration(readSettings(env), env));
      expect(await ask()).toEqual([...DRAFT, ...LEGACY].sort());
      const wins = { ...env, RATE_LIMIT_HEADERS: 'draft' };
      await latchkey.service.reconfigure(rereadConfiguration(readSettings(wins), wins));
      expect(await ask()).toEqual(DRAFT);
    } finally {
      await latchkey.close();
    }
  });

  it('refuses another value with its path and the allowed ones', () => {
    writeFileSync(path, 'rate_limit_headers: none\n');
    expect(() => readSettings({ LATCHKEY_CONFIG: path })).toThrow(
      `${path}: rate_limit_headers is not allowed. Allowed: draft, legacy, both.`,
    );
  });
});

test('the option rateLimitHeaders of the library refuses an unknown value', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const store = openSqliteStore({ dir: dataDir });
  try {
    await expect(createLatchkey({ store: await store, rateLimitHeaders: 'all' as never })).rejects.toThrow(
      'rateLimitHeaders is "all". Allowed: one of draft, legacy, both.',
    );
  } finally {
    await (await store).close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
