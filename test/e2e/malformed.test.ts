import fc from 'fast-check';
import { mintToken } from '../../src/core/keys/token.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { CODE_POINT } from '../support/codePoint.js';

/** One seed, so that a failure can be reproduced. */
const SEED = 20_260_301;

let latchkey: FrozenService;
let writer: string;
beforeAll(async () => {
  latchkey = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  writer = (await createKey(latchkey, { scopes: ['platform'] }, OPERATOR_KEY)).token;
});
afterAll(() => latchkey.close());

interface Attempt {
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array;
}

/** Sends them all, and expects for each a JSON response below 500 that hides no fault of the server. */
async function expectRefusalsAtMost(attempts: readonly Attempt[]): Promise<void> {
  const BATCH = 80;
  for (let i = 0; i < attempts.length; i += BATCH) {
    latchkey.pass(2_000);
    await Promise.all(attempts.slice(i, i + BATCH).map(expectRefusalAtMost));
  }
  expect((await fetch(`${latchkey.origin}/healthz`)).status).toBe(200);
  const faults = latchkey.logs.filter((line) => JSON.parse(line).level >= 50);
  expect(faults).toEqual([]);
}

async function expectRefusalAtMost({ headers, body }: Attempt): Promise<void> {
  const response = await fetch(latchkey.url, { method: 'POST', headers, body });
  const text = await response.text();
  const seen = { status: response.status, text: text.slice(0, 300), sent: String(body).slice(0, 300) };
  if (response.status >= 500 || /INTERNAL_SERVER_ERROR|UNAVAILABLE|"stacktrace"|\bat .*\.[jt]s:\d/.test(text)) {
    throw new Error(`A fault of the server: ${JSON.stringify(seen)}`);
  }
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || !('data' in parsed || 'errors' in parsed)) {
    throw new Error(`No answer of GraphQL: ${JSON.stringify(seen)}`);
  }
}

const JSON_HEADERS = { 'content-type': 'application/json' };
const withKey = (): Record<string, string> => ({ ...JSON_HEADERS, 'x-api-key': writer });

/** Texts that break naive code: NUL, half characters, control characters, patterns, prototypes, keys. */
const nasty = fc.oneof(
  fc.string({ unit: CODE_POINT, maxLength: 40 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    ...[
      '\0',
      'a\0b',
      '\ud800',
      '\udc00x',
      '\u202e',
      '__proto__',
      'constructor',
      'toString',
      "' OR 1=1 --",
      '$ne',
      '{"$gt":""}',
    ],
    ...[
      'key_0000000000000000',
      'default',
      'read:assets',
      'read-write',
      'P1D',
      'PT0S',
      '2030-01-01T00:00:00Z',
      '9'.repeat(400),
    ],
    'x'.repeat(20_000),
  ),
);
const value = fc.oneof(
  nasty,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(nasty, { maxLength: 3 }),
  fc.object({ maxDepth: 3 }),
  fc.constantFrom<unknown>(-0, 2 ** 53, [[[[]]]], {}),
);

test('bodies: bytes, partial JSON, JSON of every type', async () => {
  const whole = JSON.stringify({ query: '{ viewer { scopes } }', variables: { a: 1 }, operationName: null });
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json(),
    fc.nat(whole.length).map((cut) => whole.slice(0, cut)),
    fc
      .tuple(fc.nat(whole.length), fc.string({ unit: CODE_POINT, maxLength: 3 }))
      .map(([i, x]) => whole.slice(0, i) + x + whole.slice(i)),
    fc
      .record({ query: value, variables: value, operationName: value, extensions: value }, { requiredKeys: [] })
      .map((o) => JSON.stringify(o)),
  );
  await expectRefusalsAtMost(
    fc.sample(fc.tuple(body, fc.boolean()), { seed: SEED, numRuns: 500 }).map(([sent, known]) => ({
      headers: known ? withKey() : JSON_HEADERS,
      body: sent,
    })),
  );
});

test("queries: any sequence of the language's words and signs", async () => {
  const word = fc.constantFrom(
    ...'{ } { } ( ) [ ] : ! $ = @ | & ... query mutation subscription fragment on A B viewer tiers apiKeys'.split(' '),
    ...'assets asset name scopes id first after filter __typename __schema __type Query Asset true null 1 1.5e3 $v'.split(
      ' ',
    ),
    ...[
      '"text"',
      '"""block"""',
      '"',
      '"""',
      '#x\n',
      '@skip(if: true)',
      '@include(if: $v)',
      '@auth(scope: "admin")',
      '@defer',
    ],
    ...['fragment A on Query { ...A }', '{ viewer { scopes } }', '\ufeff', '\0', '\u2028', '😀'],
  );
  const query = fc.array(word, { maxLength: 25 }).map((words) => words.join(' '));
  await expectRefusalsAtMost(
    fc.sample(fc.tuple(query, value), { seed: SEED, numRuns: 500 }).map(([text, v]) => ({
      headers: withKey(),
      body: JSON.stringify({ query: text, variables: { v } }),
    })),
  );
});

test('variables: every operation, with values of wrong types', async () => {
  const OPERATIONS: readonly [query: string, fields: readonly string[]][] = [
    [
      'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }',
      ['name', 'scopes', 'type', 'environment', 'expiresAt', 'workspaceId'],
    ],
    ['mutation ($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { token } }', ['id', 'overlap']],
    ['mutation ($input: ExpireApiKeyInput!) { expireApiKey(input: $input) { apiKey { id } } }', ['id', 'at']],
    ['mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } } }', ['id', 'reason']],
    [
      'mutation ($input: UpdateApiKeyInput!) { updateApiKey(input: $input) { apiKey { id } } }',
      ['id', 'name', 'scopes'],
    ],
    ['mutation ($input: CreateWorkspaceInput!) { createWorkspace(input: $input) { token } }', ['name', 'tier']],
    [
      'mutation ($input: SetWorkspaceTierInput!) { setWorkspaceTier(input: $input) { workspace { id } } }',
      ['workspaceId', 'tier'],
    ],
    ['mutation ($input: RecordLoadInput!) { recordLoad(input: $input) { name } }', ['asset', 'at', 'rows']],
    [
      'mutation ($input: RegisterAssetInput!) { registerAsset(input: $input) { name } }',
      ['name', 'description', 'owner', 'allowedAge', 'upstream', 'columns'],
    ],
    ['mutation ($input: RefreshSchemaInput!) { refreshSchema(input: $input) { name } }', ['asset', 'columns']],
    [
      'query ($id: ID!) { apiKey(id: $id) { id } workspace(id: $id) { id } apiKeys(workspaceId: $id) { totalCount } }',
      [],
    ],
    ['query ($id: String!) { asset(name: $id) { name } assets(after: $id) { name } }', []],
    [
      'query ($input: ApiKeyFilter) { apiKeys(filter: $input) { totalCount } }',
      ['status', 'type', 'environment', 'nameContains', 'scope'],
    ],
    ['query ($id: String, $first: Int) { apiKeys(after: $id, first: $first) { totalCount } }', []],
  ];
  const good: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    name: nasty,
    id: nasty,
    reason: nasty,
    workspaceId: nasty,
    nameContains: nasty,
    scope: nasty,
    asset: nasty,
    owner: nasty,
    scopes: fc.array(nasty, { maxLength: 3 }),
    upstream: fc.array(nasty, { maxLength: 3 }),
    columns: fc.array(fc.record({ name: nasty, type: nasty }), { maxLength: 2 }),
    tier: fc.constantFrom('STARTER', 'GROWTH'),
    type: fc.constantFrom('SECRET', 'CLIENT', 'READ_ONLY'),
    at: fc.constantFrom(
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      '2026-02-30T00:00:00Z',
      '2030-01-01T00:00:00+23:59',
    ),
    expiresAt: fc.constantFrom('9999-12-31T23:59:59Z', '2030-01-01T00:00:00Z'),
    overlap: fc.constantFrom('PT0S', 'P90D', 'P999999W', `PT${'9'.repeat(9)}H`),
  };
  const attempt = fc.constantFrom(...OPERATIONS).chain(([query, fields]) =>
    fc.record({
      query: fc.constant(query),
      variables: fc.record({
        id: fc.oneof({ weight: 4, arbitrary: nasty }, value),
        first: fc.oneof(fc.integer(), value),
        input: fc.record(
          Object.fromEntries(
            fields.map((field) => [
              field,
              fc.oneof({ weight: 5, arbitrary: good[field] ?? nasty }, { weight: 1, arbitrary: value }),
            ]),
          ),
          { requiredKeys: [] },
        ),
      }),
    }),
  );
  await expectRefusalsAtMost(
    fc.sample(attempt, { seed: SEED, numRuns: 1000 }).map((request) => ({
      headers: withKey(),
      body: JSON.stringify(request),
    })),
  );
});

test('headers: credentials in every format, missing content types', async () => {
  const latin = fc.stringMatching(/^[\x21-\x7e\xa1-\xff][\x20-\x7e\xa1-\xff]{0,80}$/).map((text) => text.trim());
  const token = fc.constantFrom(
    mintToken('lks', 'LIVE').token,
    writer,
    OPERATOR_KEY,
    writer.slice(1),
    `${writer},${writer}`,
    'x'.repeat(8_000),
  );
  const credential = fc.oneof(latin, token);
  const headers = fc.record(
    {
      authorization: fc
        .tuple(fc.constantFrom('Bearer ', 'bearer  ', 'Api-Key ', 'Basic ', ''), credential)
        .map((two) => two.join('')),
      'x-api-key': credential,
      'content-type': fc.oneof({ weight: 4, arbitrary: fc.constant('application/json') }, latin),
      accept: fc.oneof(latin, fc.constantFrom('text/html', '*/*', 'application/graphql-response+json')),
      'content-encoding': fc.constantFrom('gzip', 'br', 'nonsense'),
      'x-forwarded-for': latin,
      cookie: latin,
      origin: latin,
    },
    { requiredKeys: [] },
  );
  await expectRefusalsAtMost(
    fc
      .sample(headers, { seed: SEED, numRuns: 500 })
      .map((sent) => ({ headers: sent, body: '{"query":"{ tiers { tier } }"}' })),
  );
});

describe('single bodies that could stop a server', () => {
  const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);
  it.each<[string, string | Uint8Array, number]>([
    ['a list 100,000 deep', nested('[', ']', 100_000), 400],
    ['an object 40,000 deep', `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`, 400],
    ['variables 100,000 deep', `{"query":"{ tiers { tier } }","variables":{"a":${nested('[', ']', 100_000)}}}`, 200],
    [
      'extensions 40,000 deep',
      `{"query":"{ tiers { tier } }","extensions":${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}}`,
      200,
    ],
    [
      'an input 100,000 deep',
      `{"query":"query ($a: [Scope!]) { apiKeys(filter: $a) { totalCount } }","variables":{"a":${nested('[', ']', 100_000)}}}`,
      400,
    ],
    ['__proto__ at the top', '{"__proto__":{"admin":true},"query":"{ tiers { tier } }"}', 400],
    ['__proto__ within variables', '{"query":"{ tiers { tier } }","variables":{"__proto__":{"principal":1}}}', 400],
    ['constructor.prototype', '{"query":"{ tiers { tier } }","variables":{"constructor":{"prototype":{"x":1}}}}', 400],
    ['no UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400],
    ['a byte order mark', '\ufeff{"query":"{ tiers { tier } }"}', 200],
    ['a query of 200,000 spaces', JSON.stringify({ query: ' '.repeat(200_000) }), 400],
    ['a query 3,000 braces deep', JSON.stringify({ query: '{a'.repeat(3_000) }), 400],
    ['a number of 100,000 digits', `{"query":"{ tiers { tier } }","variables":{"n":${'9'.repeat(100_000)}}}`, 200],
    ['a name of 200,000 letters', JSON.stringify({ query: `{ ${'a'.repeat(200_000)} }` }), 400],
  ])('%s', async (_, body, status) => {
    latchkey.pass(60_000);
    await expectRefusalAtMost({ headers: withKey(), body });
    const answer = await fetch(latchkey.url, { method: 'POST', headers: withKey(), body });
    expect(answer.status).toBe(status);
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
    expect((await answer.text()).length).toBeLessThan(20_000);
  });
});
