import { mintToken } from '../../src/core/keys/token.js';
import { answerOf, createKey, OPERATOR_KEY, type Answer } from '../support/service.js';
import { at, startFrozen, type FrozenService } from './frozen.js';
import { act, refusalOf } from './operations.js';

/** RFC 6750, the RateLimit draft and GraphQL over HTTP, header by header. */
let latchkey: FrozenService;
let reader: { token: string; id: string };
beforeAll(async () => {
  latchkey = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY } });
  reader = await createKey(latchkey, { scopes: ['read:assets'] }, OPERATOR_KEY);
});
afterAll(() => latchkey.close());
// Each test finds both windows empty.
beforeEach(() => latchkey.pass(60_000));

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NAMES = ['www-authenticate', 'retry-after', 'ratelimit-policy', 'ratelimit', 'cache-control', 'content-type'];

/** The header fields of this API; absent ones were not sent. */
function fieldsOf({ headers }: Answer): Record<string, string> {
  expect(headers.get('x-request-id')).toMatch(UUID);
  for (const obsolete of ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'x-ratelimit-limit']) {
    expect(headers.has(obsolete)).toBe(false);
  }
  return Object.fromEntries(NAMES.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : [])));
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Raised for tests: see support/service.ts. */
const OF_THE_NETWORK = {
  ratelimit: expect.stringMatching(/^"rate";r=\d+;t=\d+$/),
  'ratelimit-policy': '"burst";q=1000000;w=1, "rate";q=1000000;w=60',
};
const POLICY = '"burst";q=25;w=1, "rate";q=500;w=60';
const ONE_USED = { 'ratelimit-policy': POLICY, ratelimit: '"rate";r=499;t=60' };
const SECRET = { 'cache-control': 'private, no-store', 'content-type': JSON_TYPE };

const ask = (token: string | null, headers: Record<string, string> = {}, query = '{ viewer { scopes } }') =>
  latchkey.query(query, { token, headers });

describe('200', () => {
  it('shows a key its limits', async () => {
    const answer = await ask(reader.token);
    expect(answer.status).toBe(200);
    expect(fieldsOf(answer)).toEqual({ ...SECRET, ...ONE_USED });
    expect(answer.body).toEqual({ data: { viewer: { scopes: ['read:assets'] } } });
  });

  it('shows an anonymous caller the limits of its network', async () => {
    const answer = await ask(null, {}, '{ tiers { tier keys perMinute perSecond } }');
    expect(answer.status).toBe(200);
    expect(fieldsOf(answer)).toEqual({
      'cache-control': 'private, no-store',
      'content-type': JSON_TYPE,
      ...OF_THE_NETWORK,
    });
    expect(answer.body.data.tiers).toEqual([
      { tier: 'FREE_TRIAL', keys: 1, perMinute: 20, perSecond: 2 },
      { tier: 'STARTER', keys: 1, perMinute: 30, perSecond: 3 },
      { tier: 'GROWTH', keys: 10, perMinute: 500, perSecond: 25 },
      { tier: 'PROFESSIONAL', keys: 25, perMinute: 1000, perSecond: 50 },
      { tier: 'ENTERPRISE', keys: null, perMinute: 5000, perSecond: 100 },
    ]);
  });

  it('accepts the key in each of its three forms, and twice if it is the same', async () => {
    for (const headers of [
      { authorization: `Bearer ${reader.token}` },
      { authorization: `bearer   ${reader.token}` },
      { authorization: `API-KEY ${reader.token}` },
      { 'x-api-key': reader.token },
      { 'x-api-key': reader.token, authorization: `Bearer ${reader.token}` },
    ]) {
      expect((await ask(null, headers)).status).toBe(200);
    }
  });
});

describe('401', () => {
  it('missing: a challenge without an error code', async () => {
    const answer = await ask(null);
    expect([answer.status, fieldsOf(answer)]).toEqual([
      401,
      {
        ...OF_THE_NETWORK,
        'www-authenticate': 'Bearer realm="latchkey"',
        'cache-control': 'private, no-store',
        'content-type': JSON_TYPE,
      },
    ]);
    expect(refusalOf(answer)).toEqual({ code: 'UNAUTHENTICATED', reason: 'missing' });
    expect('data' in answer.body).toBe(false);
  });

  const invalid = async (reason: string, token: string): Promise<void> => {
    // Also on a public field: an invalid key is not treated as anonymous.
    for (const query of ['{ viewer { scopes } }', '{ tiers { tier } }', '{ __typename }', 'not a query']) {
      const answer = await ask(token, {}, query);
      const { message } = answer.body.errors[0];
      expect([answer.status, fieldsOf(answer)]).toEqual([
        401,
        {
          'www-authenticate': `Bearer realm="latchkey", error="invalid_token", error_description="${message}"`,
          'cache-control': 'no-store',
          'content-type': JSON_TYPE,
        },
      ]);
      expect(refusalOf(answer)).toEqual({ code: 'UNAUTHENTICATED', reason });
      expect('data' in answer.body).toBe(false);
    }
  };

  it('malformed', () => invalid('malformed', 'nonsense'));
  it('malformed: a wrong checksum', () => invalid('malformed', `${reader.token.slice(0, -6)}000000`));
  it('malformed: longer than 256 characters', () => invalid('malformed', reader.token.padEnd(257, 'x')));
  it('unknown', () => invalid('unknown', mintToken('lks', 'LIVE').token));
  it('revoked, for a caller with the secret', async () => {
    const key = await createKey(latchkey, {}, OPERATOR_KEY);
    await act(latchkey, 'revokeApiKey', { id: key.id }, OPERATOR_KEY);
    await invalid('revoked', key.token);
  });
  it('expired, for a caller with the secret', async () => {
    const key = await createKey(latchkey, { expiresAt: at(latchkey.clock.now + 1) }, OPERATOR_KEY);
    latchkey.pass(1);
    await invalid('expired', key.token);
  });
});

describe('400 for a credential that cannot be read', () => {
  it.each([
    ['two different ones', () => ({ authorization: `Bearer ${reader.token}`, 'x-api-key': OPERATOR_KEY })],
    ['another scheme', () => ({ authorization: 'Basic dXNlcjpwYXNz' })],
    ['no key behind the scheme', () => ({ authorization: 'Bearer' })],
    ['no scheme', () => ({ authorization: reader.token })],
  ])('%s', async (_, headers) => {
    const answer = await ask(null, headers());
    const { message } = answer.body.errors[0];
    expect([answer.status, fieldsOf(answer)]).toEqual([
      400,
      {
        'www-authenticate': `Bearer realm="latchkey", error="invalid_request", error_description="${message.replaceAll('"', "'")}"`,
        'cache-control': 'no-store',
        'content-type': JSON_TYPE,
      },
    ]);
    expect(refusalOf(answer)).toEqual({ code: 'BAD_REQUEST' });
  });
});

describe('403', () => {
  it('lists every missing scope of the whole operation, and runs none of it', async () => {
    const query = `mutation {
      recordLoad(input: { asset: "a" }) { name }
      revokeApiKey(input: { id: "${reader.id}" }) { apiKey { id } }
    }`;
    const answer = await ask(reader.token, {}, query);
    const { message } = answer.body.errors[0];
    expect([answer.status, fieldsOf(answer)]).toEqual([
      403,
      {
        ...SECRET,
        'ratelimit-policy': POLICY,
        ratelimit: '"rate";r=499;t=60',
        'www-authenticate': `Bearer realm="latchkey", error="insufficient_scope", error_description="${message}", scope="admin write:assets"`,
      },
    ]);
    expect(answer.body).toEqual({
      errors: [
        {
          message: expect.stringContaining('admin and write:assets'),
          extensions: {
            code: 'FORBIDDEN',
            missing: ['admin', 'write:assets'],
            fields: [
              { coordinate: 'Mutation.recordLoad', requires: [['write:assets']] },
              { coordinate: 'Mutation.revokeApiKey', requires: [['admin']] },
            ],
          },
        },
      ],
    });
    expect((await ask(reader.token)).status).toBe(200);
  });
});

describe('429', () => {
  it('burst: shows the wait, in a header field and in the body', async () => {
    for (let i = 0; i < 25; i++) expect((await ask(reader.token)).status).toBe(200);
    latchkey.pass(200);
    const answer = await ask(reader.token);
    expect([answer.status, fieldsOf(answer)]).toEqual([
      429,
      { ...SECRET, 'ratelimit-policy': POLICY, ratelimit: '"burst";r=0;t=1', 'retry-after': '1' },
    ]);
    expect(refusalOf(answer)).toEqual({ code: 'RATE_LIMITED', retryAfter: 1, limit: 25, window: 1 });
    expect('data' in answer.body).toBe(false);
    latchkey.pass(800);
    expect((await ask(reader.token)).status).toBe(200);
  });

  it('rate: the wait is exact, rounded up to whole seconds', async () => {
    const twenty = `{ ${Array.from({ length: 25 }, (_, i) => `v${i}: viewer { scopes }`).join(' ')} }`;
    for (let i = 0; i < 20; i++) {
      expect((await ask(reader.token, {}, twenty)).status).toBe(200);
      latchkey.pass(1000);
    }
    // 20 s after the first of 500: it leaves the minute in 40 s.
    for (const [pass, retryAfter] of [
      [0, 40],
      [1, 40],
      [998, 40],
      [1, 39],
      [38_000, 1],
      [999, 1],
    ] as const) {
      latchkey.pass(pass);
      const answer = await ask(reader.token);
      expect([answer.status, fieldsOf(answer)]).toEqual([
        429,
        {
          ...SECRET,
          'ratelimit-policy': POLICY,
          ratelimit: `"rate";r=0;t=${retryAfter}`,
          'retry-after': String(retryAfter),
        },
      ]);
      expect(refusalOf(answer)).toEqual({ code: 'RATE_LIMITED', retryAfter, limit: 500, window: 60 });
    }
    latchkey.pass(1);
    expect((await ask(reader.token)).status).toBe(200);
  });
});

describe('400 COST_EXCEEDS_BURST', () => {
  it("can't be solved by waiting: shows the cost and the maximum", async () => {
    const query = `{ ${Array.from({ length: 26 }, (_, i) => `v${i}: viewer { scopes }`).join(' ')} }`;
    const answer = await ask(reader.token, {}, query);
    expect([answer.status, fieldsOf(answer)]).toEqual([
      400,
      { ...SECRET, 'ratelimit-policy': POLICY, ratelimit: '"burst";r=24;t=1' },
    ]);
    expect(refusalOf(answer)).toEqual({ code: 'COST_EXCEEDS_BURST', cost: 26, burst: 25 });
    expect((await ask(reader.token)).headers.get('ratelimit')).toBe('"rate";r=498;t=60');
  });
});

describe('every response to a key has its limits, even if nothing ran', () => {
  const post = async (body: string): Promise<Answer> => {
    const response = await fetch(latchkey.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': reader.token },
      body,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  };
  it.each<[string, number, string]>([
    ['no JSON', 400, '{'],
    ['an empty body', 400, ''],
    ['a body that is no object', 400, '"x"'],
    ['a list', 400, '[]'],
    ['no query', 400, '{}'],
    ['a query that does not parse', 400, '{"query":"{"}'],
    ['an unknown field', 400, '{"query":"{ nothing }"}'],
    ['a wrong variable', 400, '{"query":"query ($n: Int) { assets(first: $n) { name } }","variables":{"n":"x"}}'],
    ['two operations and no name', 400, '{"query":"query A { tiers { tier } } query B { tiers { tier } }"}'],
    ['too large a body', 413, JSON.stringify({ query: ' '.repeat(300_000) })],
  ])('%s', async (_, status, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(status);
    expect(fieldsOf(answer)).toMatchObject({
      'ratelimit-policy': POLICY,
      'cache-control': expect.stringContaining('no-store'),
    });
    expect(answer.body.errors.length).toBeGreaterThan(0);
    expect('data' in answer.body).toBe(false);
  });
});

test.each([
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/graphql',
])('a body of the type %s gets 415', async (type) => {
  const response = await fetch(latchkey.url, {
    method: 'POST',
    headers: { 'content-type': type, 'x-api-key': reader.token },
    body: '{"query":"{ viewer { scopes } }"}',
  });
  expect([response.status, response.headers.get('ratelimit-policy')]).toEqual([415, POLICY]);
  expect((await answerOf(response)).body.errors[0].extensions).toEqual({ code: 'BAD_REQUEST' });
});

test('other methods get 405, other paths 404, in the same format', async () => {
  const put = await fetch(latchkey.url, { method: 'PUT', headers: { 'x-api-key': reader.token } });
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST']);
  expect((await answerOf(put)).body.errors[0].extensions.code).toBe('BAD_REQUEST');
  const nothing = await fetch(`${latchkey.origin}/keys`);
  expect([nothing.status, (await answerOf(nothing)).body.errors[0].extensions.code]).toEqual([404, 'NOT_FOUND']);
});

test('a mutation by GET gets 405 and does not run', async () => {
  const query = `mutation { revokeApiKey(input: { id: "${reader.id}" }) { apiKey { id } } }`;
  const answer = await fetch(`${latchkey.url}?query=${encodeURIComponent(query)}`, {
    headers: { authorization: `Bearer ${OPERATOR_KEY}` },
  });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  expect((await ask(reader.token)).status).toBe(200);
});

test('returns application/graphql-response+json if requested', async () => {
  const answer = await ask(reader.token, { accept: 'application/graphql-response+json' }, '{ nothing }');
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
});
