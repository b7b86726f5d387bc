import { mintToken } from '../../../src/core/keys/token.js';
import { StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import { at, HOUR, startFrozen, type FrozenService } from '../../e2e/frozen.js';
import { act, attempt, statusWith } from '../../e2e/operations.js';
import { createKey, OPERATOR_KEY } from '../../support/service.js';
import { parseExposition, type Exposition } from './exposition.js';

let latchkey: FrozenService;
beforeEach(
  async () =>
    void (latchkey = await startFrozen({
      env: { ADMIN_API_KEY: OPERATOR_KEY, AUTH_CACHE_TTL: '60000' },
    })),
);
afterEach(() => latchkey.close());

const ask = (token: string | null): Promise<Response> =>
  fetch(`${latchkey.origin}/metrics`, token === null ? {} : { headers: { authorization: `Bearer ${token}` } });

async function scrape(): Promise<Exposition> {
  const response = await ask(OPERATOR_KEY);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  return parseExposition(await response.text());
}

/** Returns the increase of the series that grew between two scrapes, without the second scrape itself. */
function growth(before: Exposition, after: Exposition, name: string): Record<string, number> {
  const grown: Record<string, number> = {};
  for (const [series, value] of after.series) {
    if (!series.startsWith(`${name}{`)) continue;
    const by = value - (before.series.get(series) ?? 0);
    if (by !== 0) grown[series.slice(name.length)] = by;
  }
  return grown;
}

const newWorkspace = async (tier: string): Promise<string> =>
  (await act(latchkey, 'createWorkspace', { name: tier, tier }, OPERATOR_KEY)).token;

test('verifications, lookups, admissions and refusals are counted exactly', async () => {
  const token = await newWorkspace('STARTER');
  const admin = await newWorkspace('GROWTH');
  const revoked = await createKey(latchkey, {}, admin);
  await act(latchkey, 'revokeApiKey', { id: revoked.id }, admin);
  const expired = await createKey(latchkey, { expiresAt: at(latchkey.clock.now + HOUR) }, admin);
  latchkey.pass(HOUR);

  const before = await scrape();
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push(await statusWith(latchkey, token));
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
  latchkey.pass(HOUR);
  expect((await attempt(latchkey, 'createWorkspace', { name: 'w', tier: 'STARTER' }, token)).status).toBe(403);
  const four = '{ a: viewer { scopes } b: viewer { scopes } c: viewer { scopes } d: viewer { scopes } }';
  expect((await latchkey.query(four, { token })).status).toBe(400);
  expect((await latchkey.query('{ viewer { scopes } }', { token: null })).status).toBe(401);
  expect((await latchkey.query('{ tiers { tier } }', { token: null })).status).toBe(200);
  expect(await statusWith(latchkey, 'nonsense')).toBe(401);
  expect((await latchkey.query('{ viewer { scopes } }', { token, headers: { 'x-api-key': admin } })).status).toBe(400);
  const unknown = mintToken('lks', 'LIVE').token;
  for (let i = 0; i < 2; i++) expect(await statusWith(latchkey, unknown)).toBe(401);
  expect(await statusWith(latchkey, revoked.token)).toBe(401);
  expect(await statusWith(latchkey, expired.token)).toBe(401);
  const after = await scrape();

  expect(growth(before, after, 'latchkey_verifications_total')).toEqual({
    // Seven requests with the key, and the second scrape.
    '{outcome="accepted"}': 8,
    '{outcome="missing"}': 2,
    '{outcome="malformed"}': 2,
    '{outcome="unknown"}': 2,
    '{outcome="revoked"}': 1,
    '{outcome="expired"}': 1,
  });
  expect(growth(before, after, 'latchkey_key_lookups_total')).toEqual({
    '{outcome="hit"}': 6,
    // First uses of the valid, the unknown, the revoked and the expired key.
    '{outcome="miss"}': 4,
    '{outcome="negative"}': 1,
  });
  expect(growth(before, after, 'latchkey_admissions_total')).toEqual({ '{tier="STARTER"}': 3 });
  expect(growth(before, after, 'latchkey_refusals_total')).toEqual({
    '{code="RATE_LIMITED",tier="STARTER"}': 2,
    '{code="FORBIDDEN",tier="STARTER"}': 1,
    '{code="COST_EXCEEDS_BURST",tier="STARTER"}': 1,
    '{code="UNAUTHENTICATED",tier="none"}': 1,
  });
  expect(growth(before, after, 'latchkey_http_requests_total')).toEqual({
    '{route="/graphql",status="200"}': 4,
    '{route="/graphql",status="400"}': 2,
    '{route="/graphql",status="401"}': 6,
    '{route="/graphql",status="403"}': 1,
    '{route="/graphql",status="429"}': 2,
    // The first scrape, which is counted after its response.
    '{route="/metrics",status="200"}': 1,
  });
  expect(
    after.value('latchkey_http_request_duration_seconds_count', { route: '/graphql' }) -
      before.value('latchkey_http_request_duration_seconds_count', { route: '/graphql' }),
  ).toBe(15);
  // For a malformed key, the store is read at most once in five seconds to find out whether keys were imported.
  const { '{operation="keys.nextLookupId",outcome="ok"}': looks = 0, ...operations } = growth(
    before,
    after,
    'latchkey_store_operations_total',
  );
  expect(looks).toBeLessThanOrEqual(2);
  expect(operations).toEqual({ '{operation="keys.findForVerification",outcome="ok"}': 4 });
});

test('too many wrong keys count as limited, an unavailable store as unavailable', async () => {
  const token = await newWorkspace('GROWTH');
  const before = await scrape();
  const wrong = mintToken('lks', 'LIVE').token;
  for (let i = 0; i < 21; i++) await statusWith(latchkey, wrong);
  Object.assign(latchkey.service.store.keys, {
    findForVerification: () => Promise.reject(new StoreUnavailable(new Error('away'))),
  });
  expect(await statusWith(latchkey, token)).toBe(503);
  const after = await scrape();
  expect(growth(before, after, 'latchkey_verifications_total')).toEqual({
    '{outcome="accepted"}': 1,
    '{outcome="unknown"}': 20,
    '{outcome="limited"}': 1,
    '{outcome="unavailable"}': 1,
  });
  expect(growth(before, after, 'latchkey_store_operations_total')).toEqual({
    '{operation="keys.findForVerification",outcome="ok"}': 1,
  });
});

test('bcrypt runs are counted', async () => {
  const before = await scrape();
  await newWorkspace('GROWTH');
  expect(growth(before, await scrape(), 'latchkey_bcrypt_runs_total')).toEqual({ '{purpose="hash"}': 1 });
});

test('requests of strangers add no series, and no input appears in metrics', async () => {
  const token = await newWorkspace('GROWTH');
  const round = async (i: number): Promise<void> => {
    const marked = `stranger${i}`;
    const bad = [
      mintToken('lks', 'LIVE').token,
      mintToken('zz', 'TEST').token,
      marked,
      `lks_live_${marked}`,
      `é${marked}`,
    ];
    await Promise.all([
      ...bad.map((key) => fetch(latchkey.url, { headers: { 'x-api-key': Buffer.from(key).toString('latin1') } })),
      fetch(`${latchkey.origin}/${marked}`),
      fetch(`${latchkey.origin}/graphql/${marked}?key=${marked}`, { method: 'POST' }),
      fetch(latchkey.url, { method: 'DELETE', headers: { 'x-request-id': marked } }),
      latchkey.query(`query ${marked} { ${marked} }`, { token: null, headers: { 'x-apollo-operation-name': marked } }),
      latchkey.query(`query ${marked} { viewer { scopes } }`, { token }),
    ]);
    latchkey.pass(60_000);
  };
  await round(0);
  // Usage is written by a timer. Its operations must have their series before the comparison starts.
  await latchkey.service.latchkey.usage.flush();
  await scrape();
  const before = await scrape();
  for (let i = 1; i <= 30; i++) await round(i);
  const after = await scrape();
  expect([...after.series.keys()].filter((series) => series.includes('latchkey')).sort()).toEqual(
    [...before.series.keys()].filter((series) => series.includes('latchkey')).sort(),
  );
  expect(growth(before, after, 'latchkey_verifications_total')['{outcome="unknown"}']).toBe(60);
  const text = await (await ask(OPERATOR_KEY)).text();
  expect(text).not.toMatch(/stranger|\bkey_|\bws_|127\.0\.0\.1|lks_live/);
  expect(text).not.toContain(token.slice(-38));
});

describe('on the public address', () => {
  it("metrics require the scope platform, and don't count against its limits", async () => {
    const missing = await ask(null);
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="latchkey"']);
    const forbidden = await ask(await newWorkspace('GROWTH'));
    expect(forbidden.status).toBe(403);
    expect(await forbidden.json()).toMatchObject({
      errors: [
        { message: expect.stringContaining('METRICS_PORT'), extensions: { code: 'FORBIDDEN', missing: ['platform'] } },
      ],
    });
    expect((await ask('nonsense')).status).toBe(401);
    const remaining = (await ask(OPERATOR_KEY)).headers.get('ratelimit');
    for (let i = 0; i < 60; i++) expect((await ask(OPERATOR_KEY)).status).toBe(200);
    expect((await ask(OPERATOR_KEY)).headers.get('ratelimit')).toBe(remaining);
  });
});

describe('with METRICS_PORT', () => {
  it('serves metrics without a key, only at GET /metrics', async () => {
    const apart = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY, METRICS_PORT: '0' } });
    const origin = `http://127.0.0.1:${apart.service.metricsServer?.port}`;
    try {
      const answer = await fetch(`${origin}/metrics`);
      expect(answer.status).toBe(200);
      expect(parseExposition(await answer.text()).types.size).toBeGreaterThan(20);
      expect((await fetch(`${origin}/`)).status).toBe(404);
      expect((await fetch(`${origin}/metrics`, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(404);
      expect((await fetch(`${origin}/graphql`)).status).toBe(404);
      const there = await fetch(`${apart.origin}/metrics`, { headers: { 'x-api-key': OPERATOR_KEY } });
      expect(there.status).toBe(404);
    } finally {
      await apart.close();
    }
    await expect(fetch(`${origin}/metrics`)).rejects.toThrow();
  });

  it('fails to start with the name of the port if it is in use', async () => {
    const port = new URL(latchkey.origin).port;
    await expect(startFrozen({ env: { METRICS_PORT: port } })).rejects.toThrow(
      `METRICS_PORT is ${port}, which is in use. Stop the process that uses it, or set METRICS_PORT to another port (0 picks a free one).`,
    );
  });
});
