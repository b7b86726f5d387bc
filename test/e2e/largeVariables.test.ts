import { createKey, type Answer } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';

/** Wrong variables of the size of a whole body: refused with a short message on every route to GraphQL. */
const LARGE = Object.fromEntries(Array.from({ length: 24_000 }, (_, i) => [`z${i}`, 1]));
const SUMMARY = '{object with 24000 fields}';
const KEYS = 'query ($a: ApiKeyFilter) { apiKeys(filter: $a) { totalCount } }';

let latchkey: FrozenService;
let token: string;
beforeAll(async () => {
  latchkey = await startFrozen({ env: { DEFAULT_TIER: 'GROWTH', INTROSPECTION: 'on' } });
  ({ token } = await createKey(latchkey, { scopes: ['admin'] }));
});
afterAll(() => latchkey.close());
beforeEach(() => latchkey.pass(60_000));

function expectRefused({ status, text, body }: Answer, reason: string): void {
  expect(status).toBe(400);
  expect(text.length).toBeLessThan(1_000);
  expect(body.errors).toEqual(
    [
      expect.objectContaining({
        message: expect.stringContaining(`got invalid value ${SUMMARY}; ${reason}`),
        extensions: { code: 'BAD_USER_INPUT' },
      }),
      expect.objectContaining({ message: expect.stringContaining('Too many errors') }),
    ].slice(0, body.errors.length),
  );
}

test('R2: /graphql without a key', async () => {
  const document = 'query ($a: Boolean!) { tiers @include(if: $a) { tier } }';
  for (const variables of [{ a: true }, { a: LARGE }, { a: LARGE }]) {
    const answer = await latchkey.query(document, { variables });
    if (variables.a === true) expect(answer.status).toBe(200);
    else expectRefused(answer, 'Boolean cannot represent a non boolean value');
  }
});

test('R2: /graphql with a key, for an unknown and a known document', async () => {
  expectRefused(await latchkey.query(KEYS, { token, variables: { a: LARGE } }), 'Field "z0" is not defined');
  expect((await latchkey.query(KEYS, { token, variables: { a: {} } })).status).toBe(200);
  expectRefused(await latchkey.query(KEYS, { token, variables: { a: LARGE } }), 'Field "z0" is not defined');
});

test('R2: an enum', async () => {
  const document = 'query ($a: ApiKeyOrderField!) { apiKeys(orderBy: { field: $a }) { totalCount } }';
  const answer = await latchkey.query(document, { token, variables: { a: LARGE } });
  expectRefused(answer, 'Enum "ApiKeyOrderField" cannot represent non-string value');
});

test('R2: /graphql/stream', async () => {
  const response = await fetch(`${latchkey.origin}/graphql/stream`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({
      query: 'subscription ($a: String) { assetChanged(name: $a) { name } }',
      variables: { a: LARGE },
    }),
  });
  const text = await response.text();
  expect(text).toContain(`got invalid value ${SUMMARY}; String cannot represent a non string value`);
  expect(text.length).toBeLessThan(1_000);
});

test.each([
  ['run_query', 'got invalid value'],
  ['explain_access', 'got invalid value'],
])('R2: /mcp %s', async (name, message) => {
  const response = await fetch(`${latchkey.origin}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      // The variables of a tool have at most 10,000 values as JSON of the explanation's argument.
      params: {
        name,
        arguments: { document: KEYS, variables: { a: Object.fromEntries(Object.entries(LARGE).slice(0, 9_000)) } },
      },
    }),
  });
  const text = await response.text();
  expect(text).toContain(message);
  expect(text).toContain('{object with 9000 fields}');
  expect(text.length).toBeLessThan(3_000);
});
