import {
  answerOf,
  createKey,
  OPERATOR_KEY,
  startService,
  type Answer,
  type TestService,
} from '../../../support/service.js';

let latchkey: TestService;
let headers: Record<string, string>;
beforeAll(async () => {
  latchkey = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  const { token } = await createKey(latchkey, { scopes: ['admin', 'read:assets'] }, OPERATOR_KEY);
  headers = { authorization: `Bearer ${token}` };
});
afterAll(() => latchkey.close());

async function post(path: string, body: unknown, more: Record<string, string> = {}): Promise<Answer> {
  const accept = path === '/graphql' ? 'application/json' : 'text/event-stream';
  return answerOf(
    await fetch(`${latchkey.origin}${path}`, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', ...more },
      body: JSON.stringify(body),
    }),
  );
}

const DOCUMENTS = [
  [
    'a variable',
    { query: 'subscription ($x: Boolean!) { assetChanged @skip(if: $x) { name } }', variables: { x: false } },
  ],
  ['a variable that is missing', { query: 'subscription ($x: Boolean!) { assetChanged @include(if: $x) { name } }' }],
  ['a literal', { query: 'subscription { assetChanged @skip(if: true) { name } }' }],
  ['an inline fragment', { query: 'subscription { ... @skip(if: true) { assetChanged { name } } }' }],
  [
    'a fragment of a fragment',
    {
      query: `subscription { ...a } fragment a on Subscription { ...b }
        fragment b on Subscription { ... @include(if: false) { assetChanged { name } } ...a }`,
    },
  ],
] as const;

describe.each(['/graphql', '/graphql/stream'])('F1: at %s', (path) => {
  test.each(DOCUMENTS)("a condition at the root of a subscription, by %s, is the caller's fault", async (_, body) => {
    for (const credential of [{}, headers]) {
      const { status, body: answer } = await post(path, body, credential);
      expect(status).toBe(400);
      expect(answer.errors).toContainEqual(
        expect.objectContaining({
          message: expect.stringContaining("The root field of a subscription can't have @skip or @include."),
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        }),
      );
    }
  });

  test.each([
    ['a name that the document lacks', { query: 'subscription a { assetChanged { name } }', operationName: 'zzz' }],
    [
      'no name for one of two',
      { query: 'subscription a { assetChanged { name } } subscription b { keyEvents { type } }' },
    ],
  ])("%s is the caller's fault", async (_, body) => {
    for (const credential of [{}, headers]) {
      expect(await post(path, body, credential)).toMatchObject({
        status: 400,
        body: { errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }] },
      });
    }
  });
});

test('F1: a condition below the root of a subscription opens the stream', async () => {
  const abort = new AbortController();
  const response = await fetch(`${latchkey.origin}/graphql/stream`, {
    method: 'POST',
    signal: abort.signal,
    headers: { ...headers, accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({
      query: 'subscription ($x: Boolean!) { assetChanged { name owner @skip(if: $x) } }',
      variables: { x: true },
    }),
  });
  expect(response.status).toBe(200);
  abort.abort();
});
