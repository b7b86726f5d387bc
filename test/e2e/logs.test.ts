import { StoreUnavailable } from '../../src/core/store/storeErrors.js';
import { createKey, OPERATOR_KEY, type TestService } from '../support/service.js';
import { until } from '../support/until.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { attempt } from './operations.js';

let latchkey: FrozenService;
beforeEach(async () => void (latchkey = await startFrozen({ env: { DEFAULT_TIER: 'GROWTH', LOG_LEVEL: 'trace' } })));
afterEach(() => latchkey.close());

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into lines freely.
const linesOf = (service: TestService): any[] =>
  service.logs.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');

/** The log line of the latest request, once it is written, which is when the response was sent. */
// oxlint-disable-next-line typescript/no-explicit-any -- As above.
async function lineAfter(ask: () => Promise<unknown>): Promise<any> {
  const before = linesOf(latchkey).length;
  await ask();
  await until(() => linesOf(latchkey).length > before);
  expect(linesOf(latchkey)).toHaveLength(before + 1);
  return linesOf(latchkey).at(-1);
}

test('a line contains the caller, the operation and the outcome', async () => {
  const { token, id } = await createKey(latchkey);
  const line = await lineAfter(() => latchkey.query('query Named { viewer { scopes } }', { token }));
  expect(line).toEqual({
    level: 30,
    time: expect.any(Number),
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    method: 'POST',
    path: '/graphql',
    operation: 'query',
    status: 200,
    outcome: 'ok',
    ms: expect.any(Number),
    address: '127.0.0.1',
    key: id,
    tier: 'GROWTH',
    msg: 'request',
  });
});

const VIEWER = '{ viewer { scopes } }';

test.each<[string, (token: string) => Promise<unknown>, object]>([
  ['no key', () => latchkey.query(VIEWER, { token: null }), { status: 401, outcome: 'UNAUTHENTICATED', key: null }],
  ['a bad key', () => latchkey.query(VIEWER, { token: 'x' }), { status: 401, outcome: 'UNAUTHENTICATED', tier: null }],
  [
    'a missing scope',
    (token) => attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'] }, token),
    { status: 403, outcome: 'FORBIDDEN', operation: 'mutation', tier: 'GROWTH' },
  ],
  [
    'a fault of validation',
    (token) => latchkey.query('{ nothing }', { token }),
    { status: 400, outcome: 'GRAPHQL_VALIDATION_FAILED', operation: null },
  ],
  ['a fault of syntax', (token) => latchkey.query('{', { token }), { outcome: 'GRAPHQL_PARSE_FAILED' }],
  [
    'bad input',
    () => attempt(latchkey, 'createApiKey', { name: '', scopes: ['read:all'] }),
    { status: 200, outcome: 'BAD_USER_INPUT', operation: 'mutation' },
  ],
  [
    'no JSON',
    (token) =>
      fetch(latchkey.url, {
        method: 'POST',
        headers: { 'x-api-key': token, 'content-type': 'application/json' },
        body: '{',
      }),
    { status: 400, outcome: 'BAD_REQUEST' },
  ],
  [
    'what Apollo Server refuses by itself',
    () => fetch(`${latchkey.url}?query={tiers{tier}}`),
    { method: 'GET', status: 400, outcome: 'BAD_REQUEST' },
  ],
  ['no such place', () => fetch(`${latchkey.origin}/nothing`), { path: 'none', status: 404, outcome: 'NOT_FOUND' }],
  ['a probe', () => fetch(`${latchkey.origin}/healthz`), { path: '/healthz', status: 200, outcome: 'ok', key: null }],
  [
    'a store that is away',
    (token) => {
      Object.assign(latchkey.service.store.keys, {
        findForVerification: () => Promise.reject(new StoreUnavailable(new Error('away'))),
      });
      return latchkey.query(VIEWER, { token });
    },
    { status: 503, outcome: 'UNAVAILABLE' },
  ],
  [
    'a fault of the server',
    () => {
      Object.assign(latchkey.service.store.keys, { list: () => Promise.reject(new TypeError('x')) });
      return latchkey.query('{ apiKeys { totalCount } viewer { scopes } }');
    },
    { status: 200, outcome: 'error', operation: 'query' },
  ],
])('%s', async (_, ask, expected) => {
  const { token } = await createKey(latchkey);
  expect(await lineAfter(() => ask(token))).toMatchObject(expected);
});

test('a limit that is reached', async () => {
  const { token, id } = await createKey(latchkey);
  for (let i = 0; i < 25; i++) await latchkey.query(VIEWER, { token });
  expect(await lineAfter(() => latchkey.query(VIEWER, { token }))).toMatchObject({
    status: 429,
    outcome: 'RATE_LIMITED',
    key: id,
  });
});

test('no line contains a key, wherever it was sent', async () => {
  const { token } = await createKey(latchkey);
  const before = latchkey.logs.length;
  await latchkey.query(`query ${token} { viewer { scopes } }`, { token });
  await latchkey.query(`mutation ${token} { ${token} }`, { token, headers: { 'x-apollo-operation-name': token } });
  await latchkey.query(VIEWER, { token, headers: { traceparent: token, 'x-request-id': token, 'user-agent': token } });
  await fetch(`${latchkey.origin}/${token}?${token}`, { method: 'PUT' });
  await fetch(`${latchkey.origin}/metrics?${token}`, { headers: { 'x-api-key': token } });
  await lineAfter(() => fetch(`${latchkey.origin}/metrics`, { headers: { 'x-api-key': OPERATOR_KEY } }));
  expect(latchkey.logs.length).toBeGreaterThanOrEqual(before + 6);
  const written = latchkey.logs.slice(before).join('');
  expect(written).not.toContain(token.slice(-38, -6));
  expect(written).not.toContain(OPERATOR_KEY);
});
