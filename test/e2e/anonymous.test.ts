import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getIntrospectionQuery } from 'graphql';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { readSettings } from '../../src/server/settings/settings.js';
import { startService, type TestService } from '../support/service.js';

let now = 1_800_000_000_000;
const tiers = tierTable({ ANONYMOUS: { rate: 6, burst: 4 } });
let latchkey: TestService;

beforeEach(async () => {
  latchkey = await startService({
    tiers,
    now: () => now,
    env: { INTROSPECTION: 'on', TRUST_PROXY: '127.0.0.1' },
  });
});
afterEach(() => latchkey.close());

const from = (address: string) => ({ token: null, headers: { 'x-forwarded-for': address } });
const ask = (query: string, address = '203.0.113.7') => latchkey.query(query, from(address));

test('R5: an anonymous caller has the windows of its network, and sees them in header fields', async () => {
  const first = await ask('{ tiers { tier } }');
  expect(first.status).toBe(200);
  expect(first.headers.get('ratelimit-policy')).toBe('"burst";q=4;w=1, "rate";q=6;w=60');
  expect(first.headers.get('ratelimit')).toBe('"rate";r=5;t=60');
  for (let i = 0; i < 3; i += 1) expect((await ask('{ tiers { tier } }')).status).toBe(200);

  const refused = await ask('{ tiers { tier } }');
  expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('ratelimit')]).toEqual([
    429,
    '1',
    '"burst";r=0;t=1',
  ]);
  expect(refused.body.errors[0]).toMatchObject({
    message: expect.stringContaining('or send a key'),
    extensions: { code: 'RATE_LIMITED', retryAfter: 1, limit: 4, window: 1 },
  });
  expect(refused.body.data).toBeUndefined();

  now += 1_000;
  for (let i = 0; i < 2; i += 1) expect((await ask('{ tiers { tier } }')).status).toBe(200);
  expect((await ask('{ tiers { tier } }')).headers.get('retry-after')).toBe('59');
  // Another network, and a key from the same one, have their own.
  expect((await ask('{ tiers { tier } }', '203.0.113.8')).status).toBe(200);
  expect((await latchkey.query('{ viewer { scopes } }', { headers: from('203.0.113.7').headers })).status).toBe(200);
});

test('R5: one IPv6 subscriber has one window', async () => {
  for (let i = 0; i < 4; i += 1) expect((await ask('{ tiers { tier } }', `2001:db8:1:2::${i}`)).status).toBe(200);
  expect((await ask('{ tiers { tier } }', '2001:db8:1:2:9:9:9:9')).status).toBe(429);
  expect((await ask('{ tiers { tier } }', '2001:db8:1:3::1')).status).toBe(200);
});

test.each([
  ['a document that does not parse', '{'],
  ['an unknown field', '{ nothing }'],
  ['a field that needs a key', '{ viewer { scopes } }'],
  ['introspection', '{ __schema { queryType { name } } }'],
])('R5: %s is counted', async (_, query) => {
  for (let i = 0; i < 4; i += 1) expect((await ask(query)).status).not.toBe(429);
  expect((await ask(query)).status).toBe(429);
});

test('R5: every route for keys counts requests without a key', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.7', accept: 'text/event-stream' };
  const json = { ...headers, 'content-type': 'application/json' };
  const statuses = [
    await fetch(`${latchkey.origin}/mcp`, { method: 'POST', headers: json, body: '{}' }),
    await fetch(`${latchkey.origin}/schema.graphql`, { headers }),
    await fetch(`${latchkey.origin}/graphql/stream`, {
      method: 'POST',
      headers: json,
      body: '{"query":"{tiers{tier}}"}',
    }),
    await fetch(`${latchkey.origin}/graphql?query={tiers{tier}}`, { headers }),
    await fetch(`${latchkey.origin}/metrics`, { headers }),
    await fetch(`${latchkey.origin}/schema.graphql`, { headers }),
    await fetch(`${latchkey.origin}/mcp`, { method: 'POST', headers: json, body: '{}' }),
  ].map(({ status }) => status);
  expect(statuses.slice(4)).toEqual([429, 429, 429]);
  expect(statuses.slice(0, 4)).not.toContain(429);
  expect((await fetch(`${latchkey.origin}/healthz`, { headers })).status).toBe(200);
});

test('R5: an operation costs an anonymous caller the same as a key, and one above the burst never runs', async () => {
  const three = await ask('{ a: tiers { tier } b: tiers { tier } c: tiers { tier } }');
  expect([three.status, three.headers.get('ratelimit')]).toEqual([200, '"rate";r=3;t=60']);
  // The second unit does not fit: nothing runs.
  const refused = await ask('{ a: tiers { tier } b: tiers { tier } }');
  expect([refused.status, refused.body.data]).toEqual([429, undefined]);

  now += 60_000;
  const never = await ask(`{ ${[1, 2, 3, 4, 5].map((i) => `a${i}: tiers { tier }`).join(' ')} }`);
  expect([never.status, never.body.data, never.headers.get('retry-after')]).toEqual([400, undefined, null]);
  expect(never.body.errors[0].extensions).toEqual({ code: 'COST_EXCEEDS_BURST', cost: 5, burst: 4 });
  expect(never.body.errors[0].message).toContain('a caller without a key may use');
  now += 1_000;
  expect((await ask(`{ ${[1, 2, 3, 4].map((i) => `a${i}: tiers { tier }`).join(' ')} }`)).status).toBe(200);
});

test('R5: parallel requests are counted exactly', async () => {
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await ask('{ tiers { tier } }')).status));
  expect(statuses.filter((status) => status === 200)).toHaveLength(4);
});

test('R5: the file sets the limits of anonymous callers, and rejects a wrong name', () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const path = join(dir, 'latchkey.yaml');
  writeFileSync(path, 'tiers: { ANONYMOUS: { per_minute: 7, per_second: 5 } }');
  expect(readSettings({ LATCHKEY_CONFIG: path }).configuration.tiers.ANONYMOUS).toMatchObject({ rate: 7, burst: 5 });
  writeFileSync(path, 'tiers: { ANONYMOUS: { streams: 7 } }');
  expect(() => readSettings({ LATCHKEY_CONFIG: path })).toThrow('tiers.ANONYMOUS.streams');
  rmSync(dir, { recursive: true });
});

test('R5: by default the schema requires a key', async () => {
  const service = await startService({ env: { INTROSPECTION: undefined } });
  const closed = await service.query(getIntrospectionQuery(), { token: null });
  expect([closed.status, closed.body.data]).toEqual([401, undefined]);
  expect((await service.query(getIntrospectionQuery())).body.data.__schema.queryType.name).toBe('Query');
  await service.close();
});
