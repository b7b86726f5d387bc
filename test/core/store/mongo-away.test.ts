import { attempt, refusalOf, statusWith } from '../../e2e/operations.js';
import { createKey, freshMongoUri, startService, type Answer, type TestService } from '../../support/service.js';
import { until } from '../../support/until.js';
import { Proxy } from './proxy.js';

/** The complete service on MongoDB over a connection that is cut, as callers see it. */
const TTL = 500;
let wire: Proxy;
let latchkey: TestService;
let token: string;

beforeAll(async () => {
  const uri = new URL(freshMongoUri() ?? 'The test runs with MONGODB_URI alone.');
  wire = await Proxy.to(uri.hostname, Number(uri.port || 27_017));
  uri.host = `127.0.0.1:${wire.port}`;
  const env = { MONGODB_URI: uri.toString(), DEFAULT_TIER: 'ENTERPRISE', AUTH_CACHE_TTL: String(TTL) };
  latchkey = await startService({ env });
  token = (await createKey(latchkey, { scopes: ['admin'] })).token;
});
afterAll(async () => {
  await wire.mend();
  await latchkey.close();
  await wire.cut();
});

interface Line {
  readonly level: number;
  readonly msg?: string;
  readonly requestId?: string;
}
const lines = () => latchkey.logs.map((line) => JSON.parse(line) as Line);

const statusOf = async (path: string) => (await fetch(`${latchkey.origin}${path}`)).status;

/** The number of commands for each operation, except pings and periodic writes. */
async function operations(): Promise<readonly string[]> {
  const series = (await latchkey.service.metrics.text()).split('\n');
  return series.filter((line) => /^latchkey_store_operations_total\{operation="(keys\.find|workspaces)/.test(line));
}

/** Like {@link operations}, after running ones have ended: each ends within 1.8 s. */
async function settledOperations(): Promise<readonly string[]> {
  let before = await operations();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const now = await operations();
    if (now.join() === before.join()) return now;
    before = now;
  }
}

const LEAKS = /127\.0\.0\.1|ECONN|Mongo|mongo|topology|pool|node_modules|\bat [\w.<>]+ \(/;

function expectUnavailable(answer: Answer): void {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(refusalOf(answer)).toMatchObject({ code: 'UNAVAILABLE' });
  // No resolver ran.
  expect('data' in answer.body).toBe(false);
  expect(answer.text).not.toMatch(LEAKS);
}

/** Sends requests with the key until it is refused. Until then, a cached record may be used. */
async function served(): Promise<number> {
  const began = performance.now();
  while ((await statusWith(latchkey, token)) === 200) await new Promise((resolve) => setTimeout(resolve, 20));
  return performance.now() - began;
}

/** Milliseconds until a request with the key succeeds again. */
async function backAfter(): Promise<number> {
  const repairedAt = Date.now();
  while (Date.now() - repairedAt < 60_000) {
    if ((await statusWith(latchkey, token)) === 200) return Date.now() - repairedAt;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('It did not come back.');
}

// A comparable limiter fails open when its store is unavailable.
test.each([
  ['that is cut', 'cut'],
  ['that falls silent', 'silence'],
] as const)(
  'a wire %s: cached keys work until they expire, then every key gets 503, and recovers soon',
  async (_, how) => {
    expect(await statusWith(latchkey, token)).toBe(200);
    const logged = lines().length;
    await wire[how]();
    // Read before the connection was cut, and given up two seconds after it expired; the driver's own timeout is half a
    // minute.
    expect(await served()).toBeLessThan(TTL + 10_000);
    const answers = await Promise.all([
      latchkey.query('{ viewer { scopes } }', { token }),
      latchkey.query('{ tiers { tier } }', { token }),
      latchkey.query('{ assets { name } }', { token }),
      attempt(latchkey, 'createApiKey', { name: 'while away', scopes: ['read:all'] }, token),
    ]);
    answers.forEach(expectUnavailable);

    // X10: the store is known to be unavailable by now, and only pings are sent to it.
    await until(async () => (await statusOf('/readyz')) === 503);
    const before = await settledOperations();
    const crowd = await Promise.all(
      Array.from({ length: 100 }, () => latchkey.query('{ viewer { scopes } }', { token })),
    );
    crowd.forEach(expectUnavailable);
    expect(await operations()).toEqual(before);
    const { metrics } = latchkey.service;
    expect(await metrics.text()).toContain('latchkey_store_available{for="reads"} 0');

    const ready = await fetch(`${latchkey.origin}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'the store does not answer' }]);
    expect((await fetch(`${latchkey.origin}/healthz`)).status).toBe(200);
    expect((await latchkey.query('{ tiers { tier } }', { token: null })).status).toBe(200);
    expect((await latchkey.query('{ tiers { tier } }', { token: 'nonsense' })).status).toBe(401);

    await wire.mend();
    // The driver checks a server every ten seconds.
    expect(await backAfter()).toBeLessThan(9_000);
    const { body } = await latchkey.query('{ apiKeys(filter: { nameContains: "while away" }) { totalCount } }', {
      token,
    });
    expect(body.data.apiKeys.totalCount).toBe(0);
    expect((await fetch(`${latchkey.origin}/readyz`)).status).toBe(200);
    expect(await metrics.text()).toContain('latchkey_store_available{for="reads"} 1');
    // X10: one line for the outage and one for the recovery, whatever the number of affected requests.
    const changes = lines()
      .slice(logged)
      .filter(({ requestId }) => requestId === undefined);
    expect(changes.map(({ level, msg }) => [level, msg?.split(':')[0]])).toEqual([
      [50, 'The store is unavailable'],
      [30, 'The store is available again.'],
    ]);
    expect(changes[0]?.msg).toMatch(/MONGODB_URI names 127\.0\.0\.1:\d+, which .+\. Start MongoDB there/);
    expect(
      lines()
        .slice(logged)
        .filter(({ level }) => level >= 50),
    ).toHaveLength(1);
  },
);

test("the log contains the driver's message, but no key", () => {
  const logs = latchkey.logs.join('');
  expect(logs).toContain('The store did not answer');
  expect(logs).not.toContain(token.slice(-38, -6));
});
