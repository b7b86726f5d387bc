import { pino } from 'pino';
import type { FastifyInstance } from 'fastify';
import { createServer } from '../../src/server/http/server.js';
import { UNOBSERVED } from '../../src/core/observer/observer.js';
import { readSettings } from '../../src/server/settings/settings.js';
import { OpenStreams } from '../../src/core/streams/openStreams.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { openStream } from '../support/streams.js';
import { until } from '../support/until.js';
import { ownSchema } from './own.js';

/** A server with its own schema, whose sources count how often they are opened. */
let service: TestService;
let server: FastifyInstance;
let origin: string;
let opened: string[] = [];
let released = 0;

beforeAll(async () => {
  service = await startService({ env: { AUTH_CACHE_TTL: '250' } });
  const { latchkey, store } = service.service;
  const source = (name: string, interval = 5) => ({
    subscribe: () => {
      opened.push(name);
      let tick: (() => void) | null = null;
      const timer = setInterval(() => tick?.(), interval);
      return {
        next: () => new Promise((resolve) => (tick = () => resolve({ done: false, value: { [name]: opened.length } }))),
        return: async () => {
          clearInterval(timer);
          released += 1;
          return { done: true, value: undefined };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  });
  const schema = latchkey.guard(
    ownSchema(
      `type Query { open: Int @public }
       type Subscription { guarded(n: Int): Int @auth(scope: "read:reports") quiet: Int @auth(scope: "read:reports") open: Int @public }`,
      { Subscription: { guarded: source('guarded'), quiet: source('quiet', 3_600_000), open: source('open') } },
    ),
  );
  server = await createServer({
    latchkey,
    schema,
    store,
    settings: readSettings({}),
    streams: new OpenStreams({ tiers: latchkey.limiter.tiers, max: 100 }),
    logger: pino({ level: 'silent' }),
    observer: UNOBSERVED,
    scrape: null,
    tracing: null,
  });
  origin = await server.listen({ port: 0, host: '127.0.0.1' });
});
beforeEach(() => {
  opened = [];
  released = 0;
});
afterAll(async () => {
  await server.close();
  await service.close();
});

const GUARDED = 'subscription { guarded }';
/** No events: each would be counted. */
const QUIET = 'subscription { quiet }';
/** The scope is defined by the test's schema. */
const key = (input: Parameters<typeof createKey>[1] = {}) => createKey(service, { scopes: ['read:reports'], ...input });
const change = async (mutation: string): Promise<void> => {
  const { body } = await service.query(`mutation { ${mutation} { apiKey { id } } }`);
  expect(body.errors).toBeUndefined();
};

test.each([
  ['revoked', (id: string) => change(`revokeApiKey(input: { id: "${id}" })`), 'UNAUTHENTICATED'],
  ['re-scoped', (id: string) => change(`updateApiKey(input: { id: "${id}", scopes: ["read:assets"] })`), 'FORBIDDEN'],
  [
    'rotated at once',
    (id: string) => change(`rotateApiKey(input: { id: "${id}", overlap: "PT0S" })`),
    'UNAUTHENTICATED',
  ],
  [
    'revoked where nobody tells of it',
    (id: string) => service.service.store.keys.revoke(id, 'default', null, { at: Date.now() }),
    'UNAUTHENTICATED',
  ],
] as const)('B30 a key that is %s loses its open stream, and its source ends', async (_, act, code) => {
  const { token, id } = await key();
  const stream = await openStream(origin, GUARDED, { token });
  await stream.first(2);
  await act(id);
  const last = await stream.last();
  expect(last.errors[0].extensions.code).toBe(code);
  expect(stream.results.slice(0, -1).every(({ errors }) => errors === undefined)).toBe(true);
  await until(() => released === 1);
  // The events may have used up the key's one-second window.
  const status = await until(async () => {
    const again = await openStream(origin, GUARDED, { token });
    return again.status !== 429 && again.status;
  });
  expect(status).toBe(code === 'FORBIDDEN' ? 403 : 401);
  expect(opened).toEqual(['guarded']);
});

test('B33 the source is opened for accepted callers and not for refused ones', async () => {
  const { token: other } = await key({ scopes: ['read:assets'] });
  const { token: trusted } = await key({ trustedDocuments: ['0'.repeat(64)] });
  const { token } = await key();
  for (const [query, by, status] of [
    [GUARDED, null, 401],
    [GUARDED, `${token}x`, 401],
    [GUARDED, other, 403],
    ['subscription { alias: guarded }', other, 403],
    ['subscription S { ...F } fragment F on Subscription { guarded }', other, 403],
    [GUARDED, trusted, 403],
    // A root field without a rule: streams still require authentication.
    ['subscription { open }', null, 401],
    ['subscription { guarded open }', token, 400],
    ['subscription ($n: Int!) { guarded(n: $n) }', token, 400],
    ['query { open }', token, 400],
  ] as const) {
    const { status: given } = await openStream(origin, query, { token: by });
    expect([query, given]).toEqual([query, status]);
  }
  expect(opened).toEqual([]);
  const stream = await openStream(origin, GUARDED, { token });
  await stream.first(1);
  stream.close();
  await until(() => released === 1);
  expect(opened).toEqual(['guarded']);
});

test('B34 opening a stream counts as a request in the same window, and is refused beyond it', async () => {
  const { token } = await key();
  const remaining = (headers: Headers) => Number(/"rate";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
  const streams = await Promise.all(Array.from({ length: 2 }, () => openStream(origin, QUIET, { token })));
  const left = Math.min(...streams.map(({ headers }) => remaining(headers)));
  const asked = await service.query('{ viewer { limits { rate { remaining } } } }', { token });
  expect(asked.body.data.viewer.limits.rate.remaining).toBe(left - 1);
  for (const stream of streams) stream.close();
  // Equal subscriptions of one key share a source.
  await until(() => released === 1);

  opened = [];
  // 25 in any second, 10 at the same time: the limit on streams or the rate limit refuses the rest.
  const all = await Promise.all(Array.from({ length: 60 }, () => openStream(origin, QUIET, { token })));
  const ok = all.filter(({ status }) => status === 200);
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200, 429]));
  expect([ok.length, opened.length]).toEqual([10, 1]);
  for (const stream of ok) stream.close();

  const spent = await Promise.all(Array.from({ length: 200 }, () => service.query('{ viewer { scopes } }', { token })));
  expect(spent.some(({ status }) => status === 429)).toBe(true);
});

test('B34 GET opens the same streams as POST, with the same guard', async () => {
  const { token: other } = await key({ scopes: ['read:assets'] });
  const { token } = await key();
  const get = async (by: string) =>
    fetch(`${origin}/graphql/stream?query=${encodeURIComponent(GUARDED)}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${by}` },
    });
  expect((await get(other)).status).toBe(403);
  expect(opened).toEqual([]);
  const allowed = await get(token);
  expect(allowed.status).toBe(200);
  await allowed.body?.cancel();
  expect(opened).toEqual(['guarded']);
});
