import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { readSettings } from '../../src/server/settings/settings.js';
import { connect } from '../server/mcp/client.js';
import { createKey, demoOf, startService, type TestService } from '../support/service.js';

/** With SQLite, even if MONGODB_URI is set, because the suites of the stores test both engines. */
const SQLITE = { MONGODB_URI: undefined };
const OFF = { ...SQLITE, DEMO: 'off' };

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'latchkey-off-'));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const ASSETS = '{ assets { name } }';

async function schemaOf({ origin, adminToken }: TestService): Promise<string> {
  return (await fetch(`${origin}/schema.graphql`, { headers: { 'x-api-key': adminToken } })).text();
}

function tablesOf(dir: string): string[] {
  const file = new Database(join(dir, 'latchkey.db'));
  const rows = file.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all([]) as { name: string }[];
  file.close();
  return rows.map(({ name }) => name);
}

describe('DEMO=off', () => {
  let dir: string;
  let off: TestService;
  beforeAll(async () => {
    dir = join(root, 'off');
    off = await startService({ env: OFF, dataDir: dir });
  });
  afterAll(() => off.close());

  it('leaves the built-in domain out of the schema', async () => {
    const text = await schemaOf(off);
    expect(text).toContain('type ApiKey ');
    expect(text).toMatch(/type Subscription \{[^}]*keyEvents: KeyEvent/);
    expect(text).not.toMatch(/^(type|input|enum) (Asset|Alert|Event|Freshness|RecordedEvents|RegisterAssetInput)\b/m);
    expect(text).not.toMatch(/^ +(assets?|events|assetChanged|alertOpened|registerAsset|recordEvents)\b/m);
    const { status, body } = await off.query(ASSETS);
    expect([status, body.errors[0].extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
    expect((await off.query('mutation { recordEvents(input: []) { recorded } }')).status).toBe(400);
  });

  it('creates no tables for it', async () => {
    const tables = tablesOf(dir);
    expect(tables).toContain('keys');
    expect(tables.filter((name) => /asset|alert|downstream|events/i.test(name))).toEqual([]);
  });

  it('serves keys, their streams and MCP as before', async () => {
    const { token } = await createKey(off, { scopes: ['admin'] });
    expect((await off.query('{ viewer { scopes } apiKeys { totalCount } }', { token })).status).toBe(200);
    expect((await fetch(`${off.origin}/readyz`)).status).toBe(200);
    const client = await connect(off, token);
    const found = await client.call('search_schema', { query: 'assets' });
    expect(JSON.stringify(found.value)).not.toContain('Query.assets');
    expect((await client.call('search_schema', { query: 'keys' })).value.found.length).toBeGreaterThan(0);
    await client.close();
    const stream = new AbortController();
    const opened = await fetch(`${off.origin}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'x-api-key': token },
      body: JSON.stringify({ query: 'subscription { keyEvents { type keyId } }' }),
      signal: stream.signal,
    });
    const reader = opened.body?.pipeThrough(new TextDecoderStream()).getReader();
    const made = await createKey(off, { scopes: ['admin'] });
    let text = '';
    while (!text.includes(made.id)) text += (await reader?.read())?.value ?? '';
    expect(text).toContain('CREATED');
    stream.abort();
  });
});

test('a store keeps the data of the built-in domain while it is left out', async () => {
  const dataDir = join(root, 'kept');
  const on = await startService({ dataDir, env: SQLITE });
  await demoOf(on).assets.register('default', { name: 'orders' });
  const { adminToken } = on;
  await on.close();
  const off = await startService({ dataDir, env: OFF });
  expect((await off.query(ASSETS, { token: adminToken })).status).toBe(400);
  await off.close();
  const again = await startService({ dataDir, env: SQLITE });
  expect((await again.query(ASSETS, { token: adminToken })).body.data).toEqual({ assets: [{ name: 'orders' }] });
  await again.close();
});

test('demo: false in latchkey.yaml does the same, DEMO overrides it, and a reload only warns', async () => {
  const path = join(root, 'latchkey.yaml');
  writeFileSync(path, 'demo: false\n');
  const env = { ...SQLITE, LATCHKEY_CONFIG: path };
  expect(readSettings({ ...env, DEMO: 'on' }).configuration.demo).toBe(true);
  const off = await startService({ env });
  expect(off.service.demo).toBeNull();
  writeFileSync(path, 'demo: true\n');
  await off.service.reconfigure(readSettings(env).configuration);
  expect(off.logs.join('')).toContain('demo has changed. It takes effect at the next start.');
  expect((await off.query(ASSETS)).status).toBe(400);
  await off.close();
});
