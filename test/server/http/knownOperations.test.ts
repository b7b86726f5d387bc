import { ApolloServer } from '@apollo/server';
import { jest } from '@jest/globals';
import { StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import { createKey, type Answer, demoOf } from '../../support/service.js';
import { HOUR, startFrozen, type FrozenService } from '../../e2e/frozen.js';

/** The requests to Apollo Server. */
const asked = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');

let latchkey: FrozenService;
let token: string;
beforeEach(async () => {
  latchkey = await startFrozen({ env: { DEFAULT_TIER: 'GROWTH', AUTH_CACHE_TTL: '60000' } });
  ({ token } = await createKey(latchkey, { scopes: ['read:all', 'write:all'] }));
});
afterEach(() => latchkey.close());

type Options = Parameters<FrozenService['query']>[1];

/** The number of requests to Apollo Server during `work`. */
async function counted(work: () => Promise<Answer>): Promise<[times: number, answer: Answer]> {
  const before = asked.mock.calls.length;
  const answer = await work();
  return [asked.mock.calls.length - before, answer];
}

/** The parts of a response that don't vary. */
function comparable({ status, headers, text }: Answer): object {
  const fields = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
  // The same document with an additional space. Its length only differs if an error repeats it.
  return { status, fields: Object.fromEntries(fields), text };
}

/** The line in the log of a request. */
function logged({ headers }: Answer): object {
  const id = headers.get('x-request-id');
  const lines = latchkey.logs.map((line) => JSON.parse(line) as Record<string, unknown>);
  const { requestId, ms, time, ...line } = lines.find((one) => one.msg === 'request' && one.requestId === id) ?? {};
  expect([requestId, typeof ms, typeof time]).toEqual([id, 'number', 'number']);
  return line;
}

let spaces = 0;

/** Sends a known document, and the same one unknown, an hour apart because of the limits. @returns both responses */
async function bothWays(query: string, options: Options = {}): Promise<[known: Answer, unknown: Answer]> {
  await latchkey.query(query, { token, ...options });
  latchkey.pass(HOUR);
  const [times, known] = await counted(() => latchkey.query(query, { token, ...options }));
  expect(times).toBe(0);
  latchkey.pass(HOUR);
  spaces += 1;
  const [once, unknown] = await counted(() => latchkey.query(query + ' '.repeat(spaces), { token, ...options }));
  expect(once).toBe(1);
  return [known, unknown];
}

const ASSET = 'query ($name: String!) { asset(name: $name) { name } }';

describe('returns the same response for a known document as Apollo Server', () => {
  test.each<[string, string, number, Options]>([
    ['data', '{ viewer { scopes } tiers { tier } }', 200, {}],
    ['a mutation', 'mutation { registerAsset(input: {name: "raw.orders", allowedAge: "PT1H"}) { name } }', 200, {}],
    ['variables', ASSET, 200, { variables: { name: 'nothing' } }],
    [
      'a condition',
      'query ($v: Boolean!) { tiers { tier } viewer @include(if: $v) { scopes } }',
      200,
      { variables: { v: false } },
    ],
    ['introspection', '{ __schema { queryType { name } } }', 200, {}],
    ['a refusal by the guard', '{ viewer { scopes } apiKeys { nodes { name } } }', 403, {}],
    [
      'a cost above the burst',
      `{ ${Array.from({ length: 26 }, (_, i) => `v${i}: viewer { scopes }`).join(' ')} }`,
      400,
      {},
    ],
    ['what is not there', 'mutation { recordLoad(input: {asset: "none", rows: 1}) { name } }', 200, {}],
    ['bad input', 'mutation { registerAsset(input: {name: "", allowedAge: "PT1H"}) { name } }', 200, {}],
    [
      'many errors',
      `{ ${Array.from({ length: 25 }, (_, i) => `a${i}: assets(first: -1) { name }`).join(' ')} }`,
      200,
      {},
    ],
  ])('%s', async (_, query, status, options) => {
    const [known, unknown] = await bothWays(query, options);
    expect(known.status).toBe(status);
    expect(comparable(known)).toEqual(comparable(unknown));
    expect(logged(known)).toEqual(logged(unknown));
  });

  test.each([
    ['is away', new StoreUnavailable(new Error('away')), 503],
    ['breaks', new TypeError('a secret of the driver'), 200],
  ])('a store that %s', async (_, error, status) => {
    const query = '{ assets { name } }';
    await latchkey.query(query, { token });
    Object.assign(demoOf(latchkey).store.assets, { list: () => Promise.reject(error) });
    const [known, unknown] = await bothWays(query);
    expect(known.status).toBe(status);
    expect(comparable(known)).toEqual(comparable(unknown));
    expect(known.text).not.toContain('secret');
  });

  test.each([
    ['fetch and curl', '*/*'],
    ['Apollo Client 4', 'application/graphql-response+json,application/json;q=0.9'],
    [
      'urql',
      'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
    ],
  ])('the type for %s', async (_, accept) => {
    for (const query of ['{ viewer { scopes } }', '{ apiKeys { nodes { name } } }', ASSET]) {
      const [known, unknown] = await bothWays(query, { headers: { accept }, variables: { name: 'nothing' } });
      expect(comparable(known)).toEqual(comparable(unknown));
      const type = accept === '*/*' ? 'application/json' : 'application/graphql-response+json';
      expect(known.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    }
  });

  test.each(['Größe', '鍵', '💾 a'])('the name %s', async (name) => {
    const key = await createKey(latchkey, { name });
    const query = '{ viewer { credential { apiKey { name } } } }';
    const [known, unknown] = await bothWays(query, { token: key.token });
    expect(known.body.data.viewer.credential.apiKey.name).toBe(name);
    expect(comparable(known)).toEqual(comparable(unknown));
    expect(known.headers.get('content-length')).toBe(String(Buffer.byteLength(known.text)));
  });

  test('a limit', async () => {
    const query = '{ viewer { scopes } }';
    await latchkey.query(query, { token });
    for (let i = 0; i < 24; i += 1) await latchkey.query(query, { token });
    const [times, known] = await counted(() => latchkey.query(query, { token }));
    const [once, unknown] = await counted(() => latchkey.query(`${query} `, { token }));
    expect([times, once]).toEqual([0, 0]);
    expect(known.status).toBe(429);
    expect(comparable(known)).toEqual(comparable(unknown));
  });

  test('the operation with that name, and no other', async () => {
    const query = 'query A { viewer { scopes } } query B { tiers { tier } }';
    const ask = (operationName: unknown) =>
      fetch(latchkey.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, operationName }),
      }).then(async (response) => ({ status: response.status, body: (await response.json()) as { data?: object } }));
    await ask('A');
    const before = asked.mock.calls.length;
    expect(Object.keys((await ask('A')).body.data ?? {})).toEqual(['viewer']);
    expect(Object.keys((await ask('B')).body.data ?? {})).toEqual(['tiers']);
    expect(asked.mock.calls.length - before).toBe(0);
    for (const name of ['C', '', null, 1]) expect((await ask(name)).status).toBe(400);
    expect(asked.mock.calls.length - before).toBe(4);
  });
});

describe('unusual requests go to Apollo Server', () => {
  const VIEWER = '{ viewer { scopes } }';
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(latchkey.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
    });

  test.each<[string, () => Promise<Response>, number]>([
    [
      'no key',
      () =>
        fetch(latchkey.url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"query":"{ tiers { tier } }"}',
        }),
      200,
    ],
    [
      'GET',
      () => fetch(`${latchkey.url}?query=${encodeURIComponent(VIEWER)}`, { headers: { 'x-api-key': token } }),
      200,
    ],
    ['extensions', () => post({ query: VIEWER, extensions: {} }), 200],
    ['a list', () => post([{ query: VIEWER }]), 400],
    ['variables that are a list', () => post({ query: VIEWER, variables: [] }), 400],
    ['variables that do not fit', () => post({ query: ASSET, variables: { name: 1 } }), 400],
    ['variables that are missing', () => post({ query: ASSET }), 400],
  ])('%s', async (_, ask, status) => {
    for (const query of [VIEWER, '{ tiers { tier } }', ASSET]) {
      await latchkey.query(query, { token, variables: { name: 'x' } });
    }
    const before = asked.mock.calls.length;
    expect((await ask()).status).toBe(status);
    expect(asked.mock.calls.length - before).toBe(1);
  });

  test('another response format', async () => {
    await post({ query: VIEWER });
    const type = 'application/graphql-response+json';
    expect((await post({ query: VIEWER }, { accept: type })).headers.get('content-type')).toContain(type);
    expect((await post({ query: VIEWER }, { accept: 'text/html' })).status).toBe(406);
  });

  test('does not cache long or invalid documents', async () => {
    const long = `${VIEWER}${' '.repeat(4_000)}`;
    const wrong = '{ nothing }';
    for (const query of [long, wrong, long, wrong]) {
      const [times] = await counted(() => latchkey.query(query, { token }));
      expect(times).toBe(1);
    }
  });
});

test('checks a known document for each key again', async () => {
  const query = '{ apiKeys { totalCount } }';
  expect((await latchkey.query(query, { token: latchkey.adminToken })).status).toBe(200);
  const find = jest.spyOn(latchkey.service.store.keys, 'list');
  const [times, refused] = await counted(() => latchkey.query(query, { token }));
  expect([times, refused.status]).toEqual([0, 403]);
  expect(find).not.toHaveBeenCalled();
});
