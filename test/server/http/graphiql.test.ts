import { createHash } from 'node:crypto';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { startService, type TestService } from '../../support/service.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

let latchkey: TestService;
beforeAll(async () => void (latchkey = await startService()));
afterAll(() => latchkey.close());

const open = (headers: Record<string, string> = {}, search = ''): Promise<Response> =>
  fetch(latchkey.url + search, { headers: { accept: BROWSER, ...headers } });

test('a browser gets a complete page from this server only', async () => {
  const answer = await open();
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const html = await answer.text();
  expect(html).toContain('Latchkey GraphiQL');
  expect(html.length).toBeGreaterThan(500_000);
  const tags = html.match(/<(?:script|link|img|iframe)\b[^>]*>/gi) ?? [];
  expect(tags.length).toBeGreaterThan(0);
  // The icon is drawn in the page itself (data:); anything else from elsewhere would be a CDN.
  for (const tag of tags) expect(tag).not.toMatch(/(?:src|href)\s*=\s*["']?\s*(?:https?:)?\/\//i);
});

test('the page contains no key, not even the key of the request (B36)', async () => {
  const plain = await (await open()).text();
  const known = await (await open({ authorization: `Bearer ${latchkey.adminToken}` })).text();
  expect(known).toBe(plain);
  expect(plain).not.toContain(latchkey.adminToken);
  expect(plain).not.toMatch(/[a-z][a-z0-9]{0,9}_(?:live|test)_[0-9A-Za-z]{54}/);
});

test('R5: the page counts as a request of the visitor’s network', async () => {
  const tiers = tierTable({ ANONYMOUS: { rate: 6, burst: 2 } });
  const own = await startService({ tiers, now: () => 1_800_000_000_000 });
  try {
    const load = async (): Promise<number> => {
      const answer = await fetch(own.url, { headers: { accept: BROWSER } });
      await answer.text();
      return answer.status;
    };
    expect([await load(), await load(), await load()]).toEqual([200, 200, 429]);
  } finally {
    await own.close();
  }
});

test('R10: its policy allows only its own scripts, by hash, and nothing from elsewhere', async () => {
  const answer = await open();
  const policy = new Map(
    (answer.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
      const [name = '', ...values] = directive.split(' ');
      return [name, values] as const;
    }),
  );
  expect(policy.get('default-src')).toEqual(["'none'"]);
  const html = await answer.text();
  const [, script = ''] = /<script>([^]*?)<\/script>/.exec(html) ?? [];
  expect(script.length).toBeGreaterThan(100_000);
  expect(policy.get('script-src')).toEqual([`'sha256-${createHash('sha256').update(script).digest('base64')}'`]);
  expect([policy.get('connect-src'), policy.get('frame-ancestors')]).toEqual([["'self'"], ["'none'"]]);
  expect([policy.get('base-uri'), policy.get('form-action')]).toEqual([["'none'"], ["'none'"]]);
  for (const [, values] of policy) expect(values.join(' ')).not.toMatch(/\*|https?:|unsafe-eval/);
});

test("R10: every response is marked as data that can't be framed, sniffed or reveal its URL", async () => {
  const operation = `?query=${encodeURIComponent('{viewer{scopes}}')}`;
  const authorization = `Bearer ${latchkey.adminToken}`;
  const answers = [
    await fetch(`${latchkey.url}${operation}`, { headers: { authorization, 'apollo-require-preflight': 'x' } }),
    await fetch(`${latchkey.url}${operation}`, { headers: { 'apollo-require-preflight': 'x' } }),
    await fetch(latchkey.url, { method: 'DELETE' }),
    await fetch(latchkey.url, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
    await fetch(latchkey.url, { method: 'OPTIONS' }),
    await fetch(`${latchkey.origin}/graphql/stream`, { headers: { accept: 'text/event-stream' } }),
    await fetch(`${latchkey.origin}/mcp`, { method: 'POST' }),
    await fetch(`${latchkey.origin}/schema.graphql`, { headers: { authorization } }),
    await fetch(`${latchkey.origin}/metrics`),
    await fetch(`${latchkey.origin}/healthz`),
    await fetch(`${latchkey.origin}/readyz`),
    await fetch(`${latchkey.origin}/.well-known/oauth-protected-resource`),
    await fetch(`${latchkey.origin}/nothing/<script>`),
    await fetch(`${latchkey.origin}/%zz`),
    await fetch(latchkey.origin, { redirect: 'manual' }),
    await latchkey.query('{ viewer { scopes } }'),
  ];
  for (const { headers, status } of answers) {
    expect([status, headers.get('x-content-type-options'), headers.get('referrer-policy')]).toEqual([
      status,
      'nosniff',
      'no-referrer',
    ]);
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  }
});

test('is not framed, sniffed or stored in shared caches', async () => {
  const answer = await open();
  await answer.text();
  const { headers } = answer;
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('vary')).toContain('accept');
  expect(headers.has('ratelimit')).toBe(false);
});

test('an API client that uses GET does not get the page', async () => {
  for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
    const answer = await open({ accept, authorization: `Bearer ${latchkey.adminToken}` }, '?query={viewer{scopes}}');
    expect(await answer.json()).toEqual({ data: { viewer: { scopes: ['admin'] } } });
  }
  const answer = await open({ accept: 'application/json', authorization: `Bearer ${latchkey.adminToken}` });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/json; charset=utf-8']);
});

test('a browser that opens a query gets the response instead of the page, and needs a key', async () => {
  const answer = await open({ 'apollo-require-preflight': 'x' }, '?query={viewer{scopes}}');
  expect(answer.status).toBe(401);
});

test('the root redirects there', async () => {
  const answer = await fetch(latchkey.origin, { redirect: 'manual' });
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/graphql']);
});

test("GraphiQL's own introspection works, without a key and with one", async () => {
  const { getIntrospectionQuery } = await import('graphql');
  for (const token of [null, latchkey.adminToken]) {
    const answer = await latchkey.query(getIntrospectionQuery(), { token });
    expect(answer.status).toBe(200);
    expect(answer.body.data.__schema.queryType.name).toBe('Query');
  }
});
