import { jest } from '@jest/globals';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { unavailable } from '../../src/core/errors/refusal.js';
import { answerOf, createKey, type Answer } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { startOwnApollo } from './ownApollo.js';

const tiers = tierTable({
  GROWTH: { keys: 60, rate: 50, burst: 50, categories: { write: { rate: 1, burst: 1 } } },
  ANONYMOUS: { rate: 1e6, burst: 1e6 },
});
let latchkey: FrozenService;
let token: string;
beforeAll(async () => void (latchkey = await startFrozen({ tiers })));
afterAll(() => latchkey.close());
beforeEach(async () => {
  latchkey.pass(60_000);
  ({ token } = await createKey(latchkey, { scopes: ['read:assets', 'write:assets'] }));
});

const left = ({ headers }: Answer): number => Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
const send = async (body: string, path = '/graphql', headers: Record<string, string> = {}): Promise<Answer> =>
  answerOf(
    await fetch(latchkey.origin + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': token, ...headers },
      body,
    }),
  );
const ask = (query: string, more: object = {}) => send(JSON.stringify({ query, ...more }));
const get = async (search: Record<string, string>): Promise<Answer> =>
  answerOf(
    await fetch(`${latchkey.url}?${new URLSearchParams(search).toString()}`, {
      headers: { 'x-api-key': token },
    }),
  );
const EVENTS = { accept: 'text/event-stream' };
const stream = (query: string) => send(JSON.stringify({ query }), '/graphql/stream', EVENTS);
const getStream = async (search: Record<string, string>): Promise<Answer> =>
  answerOf(
    await fetch(`${latchkey.url}/stream?${new URLSearchParams(search).toString()}`, {
      headers: { 'x-api-key': token, ...EVENTS },
    }),
  );
const rateOf = async (): Promise<number> => {
  const { body } = await ask('{ viewer { limits { rate { remaining } } } }');
  return body.data.viewer.limits.rate.remaining as number;
};

const FAULTS: readonly (readonly [string, () => Promise<Answer>])[] = [
  ['a document that does not parse', () => ask('{')],
  ['a document of too many tokens', () => ask(`{ ${'a '.repeat(800)} }`)],
  ['a document of too many lines', () => ask(`{${'\n'.repeat(3_000)} nothing }`)],
  ['an unknown field', () => ask('{ nothing }')],
  ['an unknown operation name', () => ask('query A { viewer { scopes } }', { operationName: 'B' })],
  [
    'variables of the wrong type',
    () => ask('query ($n: String!) { asset(name: $n) { name } }', { variables: { n: [] } }),
  ],
  ['a field that takes more scopes', () => ask('{ apiKeys { totalCount } }')],
  [
    'a cost that can never pass',
    () => ask(`{ ${Array.from({ length: 51 }, (_, i) => `a${i}: tiers { tier }`).join(' ')} }`),
  ],
  [
    'an unknown persisted query',
    () => ask('', { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }),
  ],
  ['a batch', () => send('[{"query":"{ viewer { scopes } }"}]')],
  ['a body without a query', () => send('{}')],
  ['a body that is no JSON', () => send('{"query":')],
  ['a document that does not parse, by GET', () => get({ query: '{' })],
  ['a mutation by GET', () => get({ query: 'mutation { recordLoad(input: { asset: "a", rows: 1 }) { name } }' })],
  ['a subscription at /graphql', () => ask('subscription { assetChanged { name } }')],
  ['a stream of a document that does not parse', () => stream('subscription {')],
  ['a stream of an unknown field', () => stream('subscription { nothing }')],
  ['a stream in another format', () => send('{"query":', '/graphql/stream')],
  ['a stream of a body that is no JSON', () => send('{"query":', '/graphql/stream', EVENTS)],
  ['a stream of a batch', () => send('[]', '/graphql/stream', EVENTS)],
  ['a stream of a query', () => stream('{ viewer { scopes } }')],
  ['a stream by GET without variables that can be read', () => getStream({ query: '{', variables: '{' })],
];

test.each(FAULTS)(
  'R4: %s counts as one request of its key, and gets 429 once the limits are used up',
  async (_, fault) => {
    const before = await rateOf();
    const answer = await fault();
    // The status of PERSISTED_QUERY_NOT_SUPPORTED is 200, like in Apollo Server.
    expect([answer.body.data, answer.body.errors.length > 0]).toEqual([undefined, true]);
    expect(answer.status).toBeLessThan(429);
    expect(left(answer)).toBe(before - 1);
    for (let i = 0; i < before - 1; i += 1) expect((await fault()).status).toBe(answer.status);
    const refused = await fault();
    expect([refused.status, refused.body.errors[0].extensions.code, left(refused)]).toEqual([429, 'RATE_LIMITED', 0]);
    latchkey.pass(Number(refused.headers.get('retry-after')) * 1000);
    expect((await fault()).status).toBe(answer.status);
  },
);

test('R4: a stream in another format is refused before its body is read', async () => {
  // A body that is read here gets 400, because it is not JSON.
  for (const accept of ['application/json', '*/*', 'text/html'])
    expect((await send('{"query":', '/graphql/stream', { accept })).status).toBe(406);
});

test('R4: a stream that finds no place counts as one request', async () => {
  const open = async () =>
    fetch(`${latchkey.url}/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': token, ...EVENTS },
      body: '{"query":"subscription { assetChanged { name } }"}',
    });
  const streams = await Promise.all(Array.from({ length: tiers.GROWTH.streams }, open));
  try {
    expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
    const before = await rateOf();
    const refused = await answerOf(await open());
    expect([refused.status, refused.body.errors[0].extensions.code]).toEqual([429, 'TOO_MANY_STREAMS']);
    expect(await rateOf()).toBe(before - 2);
  } finally {
    await Promise.all(streams.map(async ({ body }) => body?.cancel()));
  }
});

test('R4: a valid operation still costs the same, parsed or known', async () => {
  for (const expected of [47, 44, 41])
    expect(left(await ask('{ a: tiers { tier } b: tiers { tier } c: tiers { tier } }'))).toBe(expected);
});

test("R4: operations refused by a category can't cause any number of documents to be parsed", async () => {
  const load = (name: string) => ask(`mutation { recordLoad(input: { asset: "${name}", rows: 1 }) { name } }`);
  await load('a');
  const statuses: number[] = [];
  for (let i = 0; i < 60; i += 1) statuses.push((await load(`b${i}`)).status);
  expect(new Set(statuses)).toEqual(new Set([429]));
  expect((await ask('{ viewer { scopes } }')).status).toBe(429);
});

test('R4: failed requests are in the usage of the key', async () => {
  await ask('{');
  await ask('{ nothing }');
  await latchkey.service.latchkey.usage.flush();
  const { body } = await ask('{ viewer { credential { apiKey { usage { requests cost } } } } }');
  expect(body.data.viewer.credential.apiKey.usage.at(-1)).toEqual({ requests: 2, cost: 2 });
});

test.each([
  ['a query', () => ask('{ viewer { scopes } }')],
  [
    'a mutation that creates a key',
    () => ask('mutation { createApiKey(input: { name: "a", scopes: ["read:assets"] }) { token } }'),
  ],
  ['a stream', () => stream('subscription { assetChanged { name } }')],
])("X6: %s that the limits can't count gets 503 and is not counted", async (_, request) => {
  const { token: admin } = await createKey(latchkey, { scopes: ['admin', 'read:assets'] });
  token = admin;
  const before = await rateOf();
  const { limiter } = latchkey.service.latchkey;
  const admit = jest.spyOn(limiter, 'admit').mockRejectedValueOnce(unavailable('The limits cannot be counted.', 1));
  const answer = await request();
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(admit).toHaveBeenCalledTimes(1);
  admit.mockRestore();
  expect(await rateOf()).toBe(before - 1);
});

test("R4: a key's failed requests are counted on your own server", async () => {
  const own = await startOwnApollo({
    latchkey: { tiers: tierTable({ GROWTH: { rate: 4, burst: 4 } }), now: () => 1_800_000_000_000 },
  });
  try {
    for (const remaining of [3, 2, 1, 0]) {
      const answer = await own.query(`{ nothing${remaining} }`);
      expect([answer.status, left(answer)]).toEqual([400, remaining]);
    }
    const refused = await own.query('{');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
  } finally {
    await own.close();
  }
});

test('R4: reads nothing for an unknown route or method', async () => {
  const large = `{"query":"${'x'.repeat(200_000)}`;
  for (const [method, path, status] of [
    ['POST', '/nothing', 404],
    ['POST', '/healthz', 404],
    ['POST', '/metrics', 404],
    ['POST', '/schema.graphql', 404],
    ['POST', '/.well-known/oauth-protected-resource', 404],
    ['PUT', '/graphql', 405],
    ['PATCH', '/graphql/stream', 405],
  ] as const) {
    const answer = await answerOf(
      await fetch(latchkey.origin + path, { method, headers: { 'content-type': 'application/json' }, body: large }),
    );
    // If the body were read, the response would be 400, because it is not JSON.
    expect([path, answer.status]).toEqual([path, status]);
  }
});

test('R4: refuses a document with too many lines with a remedy, and without other errors', async () => {
  const { status, body } = await ask(`query A {${'\n'.repeat(3_000)} nothing }`, { operationName: 'A' });
  expect(status).toBe(400);
  expect(body.errors).toEqual([
    {
      message: 'The document has more than 2000 lines. Remove empty lines and comments.',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    },
  ]);
  expect(body.data).toBeUndefined();
});
