import { mintToken } from '../../src/core/keys/token.js';
import { answerOf, createKey, OPERATOR_KEY, startService, type Answer } from '../support/service.js';
import { until } from '../support/until.js';
import { openRaw } from '../support/rawConnection.js';
import { act, look } from './operations.js';
import { NOON, startFrozen, type FrozenService } from './frozen.js';

let latchkey: FrozenService;
let verifier: { token: string; id: string };
let reader: { token: string; id: string };
beforeAll(async () => {
  latchkey = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY } });
  verifier = await createKey(latchkey, { name: 'gateway', scopes: ['verify:keys'] }, OPERATOR_KEY);
  reader = await createKey(latchkey, { name: 'reports', scopes: ['read:assets'] }, OPERATOR_KEY);
});
afterAll(() => latchkey.close());
beforeEach(() => latchkey.pass(60_000));

const FORM = 'application/x-www-form-urlencoded';

async function post(
  body: string,
  { type = FORM, token = verifier.token, search = '' }: { type?: string; token?: string | null; search?: string } = {},
): Promise<Answer> {
  return answerOf(
    await fetch(`${latchkey.origin}/v1/verify${search}`, {
      method: 'POST',
      headers: { 'content-type': type, ...(token !== null && { authorization: `Bearer ${token}` }) },
      body,
    }),
  );
}
const form = (fields: Record<string, string>, token: string | null = verifier.token) =>
  post(new URLSearchParams(fields).toString(), { token });
const json = (body: unknown, token = verifier.token) => post(JSON.stringify(body), { type: 'application/json', token });

test('answers like RFC 7662 for a form, with the owner, the scopes, the plan and what is left', async () => {
  const { status, headers, body } = await form({ token: reader.token, token_type_hint: 'access_token' });
  expect([status, headers.get('cache-control'), headers.get('content-type')]).toEqual([
    ...[200, 'private, no-store', 'application/json; charset=utf-8'],
  ]);
  expect(body).toEqual({
    active: true,
    token_type: 'Bearer',
    sub: reader.id,
    key_id: reader.id,
    workspace: 'default',
    scope: 'read:assets',
    plan: 'GROWTH',
    iat: NOON / 1_000,
    name: 'reports',
    environment: 'live',
    type: 'SECRET',
    limits: { rate: { limit: 500, remaining: 500, window: 60 }, burst: { limit: 25, remaining: 25, window: 1 } },
  });
  expect(headers.get('ratelimit-policy')).toBe('"verification-burst";q=1000;w=1, "verification-rate";q=30000;w=60');
  expect(headers.get('ratelimit')).toBe('"verification-rate";r=29999;t=60');
});

test('a derived token is described like its key, with its own scopes and end, and ends with it', async () => {
  const parent = await createKey(latchkey, { name: 'parent', scopes: ['read:assets', 'write:assets'] }, OPERATOR_KEY);
  const derive = async (input: object): Promise<string> => {
    const { body } = await latchkey.query(
      'mutation ($input: DeriveTokenInput!) { deriveToken(input: $input) { token } }',
      { token: parent.token, variables: { input: { scopes: ['read:assets'], ttl: 'PT10M', ...input } } },
    );
    return body.data.deriveToken.token;
  };
  const token = await derive({});
  const { body } = await form({ token, scope: 'read:assets', cost: '1' });
  const exp = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp;
  expect(body).toMatchObject({ active: true, key_id: parent.id, name: 'parent', scope: 'read:assets', exp });
  expect((await form({ token, scope: 'write:assets' })).body).toMatchObject({ reason: 'insufficient_scope' });
  for (const unknown of [await derive({ audience: 'orders' }), `${token.slice(0, -9)}AAAAAAAAA`]) {
    expect((await form({ token: unknown })).body).toEqual({ active: false });
  }
  await act(latchkey, 'revokeApiKey', { id: parent.id }, OPERATOR_KEY);
  expect((await form({ token })).body).toMatchObject({ active: false, reason: 'revoked', key_id: parent.id });
});

test('the same request as JSON gets the same response, and a list gets a list', async () => {
  const one = await json({ token: reader.token });
  expect(one.body).toEqual((await form({ token: reader.token })).body);
  const { token: wrong } = mintToken('lks', 'LIVE');
  const batch = await json({
    tokens: [{ token: reader.token, scope: 'write:assets' }, { token: wrong }, { token: reader.token }],
  });
  expect(batch.body).toEqual({
    results: [
      {
        active: false,
        reason: 'insufficient_scope',
        sub: reader.id,
        key_id: reader.id,
        workspace: 'default',
        missing_scope: 'write:assets',
      },
      { active: false },
      one.body,
    ],
  });
  expect(batch.headers.get('ratelimit')).toBe('"verification-rate";r=29995;t=60');
});

test('a cost is taken from the key, and a used-up key is not active', async () => {
  expect((await form({ token: reader.token, scope: 'read:assets', cost: '20' })).body).toMatchObject({
    active: true,
    limits: { rate: { remaining: 480, reset: 60 }, burst: { remaining: 5, reset: 1 } },
  });
  const { body } = await form({ token: reader.token, cost: '6' });
  expect(body).toMatchObject({
    active: false,
    reason: 'rate_limited',
    retry_after: 1,
    limits: { burst: { remaining: 5 } },
  });
  expect((await form({ token: reader.token, cost: '26' })).body).toMatchObject({ reason: 'cost_exceeds_limit' });
  // The same windows as those of GraphQL.
  const { headers } = await latchkey.query('{ viewer { scopes } }', { token: reader.token });
  expect(headers.get('ratelimit')).toBe('"rate";r=479;t=60');
});

test('usage and last use are recorded for the verified key', async () => {
  const { token, id } = await createKey(latchkey, {}, OPERATOR_KEY);
  await form({ token, cost: '3' });
  await form({ token, cost: '3', scope: 'write:assets' });
  await latchkey.service.latchkey.usage.flush();
  const { body } = await latchkey.query(
    'query ($id: ID!) { apiKey(id: $id) { lastUsedAt usage { requests cost forbidden } } }',
    { token: OPERATOR_KEY, variables: { id } },
  );
  const { lastUsedAt, usage } = body.data.apiKey;
  expect(new Date(lastUsedAt).getTime()).toBe(latchkey.clock.now);
  expect(usage.at(-1)).toEqual({ requests: 1, cost: 3, forbidden: 1 });
});

test('a revoked and an expired key of the workspace have a reason', async () => {
  const revoked = await createKey(latchkey, {}, OPERATOR_KEY);
  await act(latchkey, 'revokeApiKey', { id: revoked.id }, OPERATOR_KEY);
  expect((await form({ token: revoked.token })).body).toMatchObject({
    active: false,
    reason: 'revoked',
    key_id: revoked.id,
  });
  const end = new Date(latchkey.clock.now + 10_000).toISOString();
  const short = await createKey(latchkey, { expiresAt: end }, OPERATOR_KEY);
  expect((await form({ token: short.token })).body).toMatchObject({
    active: true,
    exp: Math.floor((latchkey.clock.now + 10_000) / 1_000),
  });
  latchkey.pass(10_000);
  expect((await form({ token: short.token })).body).toMatchObject({ active: false, reason: 'expired' });
});

test('a key of another workspace, an unknown and a malformed token have exactly the same response', async () => {
  const other = await act(latchkey, 'createWorkspace', { name: 'Other', tier: 'GROWTH' }, OPERATOR_KEY);
  const texts = new Set<string>();
  for (const token of [other.token, mintToken('lks', 'LIVE').token, 'lks_live_short', 'anything', OPERATOR_KEY]) {
    const { status, text } = await form({ token, scope: 'read:assets', cost: '1', address: '192.0.2.1' });
    texts.add(`${status} ${text}`);
  }
  expect([...texts]).toEqual(['200 {"active":false}']);
  await latchkey.service.latchkey.usage.flush();
  expect((await look(latchkey, other.apiKey.id, OPERATOR_KEY)).lastUsedAt).toBeNull();
  // The operator can verify both.
  expect((await form({ token: other.token }, OPERATOR_KEY)).body).toMatchObject({ active: true, scope: 'admin' });
  expect((await form({ token: OPERATOR_KEY }, OPERATOR_KEY)).body).toMatchObject({ active: true, scope: 'platform' });
  // And the admin of the other workspace sees none of this one.
  expect((await form({ token: reader.token }, other.token)).text).toBe('{"active":false}');
});

test('a key that is bound to addresses is judged by the address of the caller, not of the service', async () => {
  const { token } = await createKey(latchkey, { allowedAddresses: ['127.0.0.1', '203.0.113.0/24'] }, OPERATOR_KEY);
  expect((await form({ token })).body).toMatchObject({ active: false, reason: 'address_not_allowed' });
  expect((await form({ token, address: '198.51.100.7' })).body).toMatchObject({ reason: 'address_not_allowed' });
  expect((await form({ token, address: '203.0.113.7' })).body).toMatchObject({ active: true });
});

describe('the caller', () => {
  const denied = async (token: string | null) => {
    const { status, body, headers } = await form({ token: reader.token }, token);
    return { status, code: body.error.code, challenge: headers.get('www-authenticate') };
  };

  it('needs a key with the scope', async () => {
    expect(await denied(null)).toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
      challenge: 'Bearer realm="latchkey"',
    });
    expect(await denied(mintToken('lks', 'LIVE').token)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(await denied(reader.token)).toMatchObject({
      status: 403,
      code: 'FORBIDDEN',
      challenge: expect.stringContaining('scope="verify:keys"'),
    });
  });

  it('without the scope is limited, too', async () => {
    const { token } = await createKey(latchkey, {}, OPERATOR_KEY);
    const statuses = [];
    for (let i = 0; i < 26; i += 1) statuses.push((await denied(token)).status);
    expect(statuses).toEqual([...Array<number>(25).fill(403), 429]);
  });

  it('cannot give the scope to a key whose code others can read', async () => {
    for (const type of ['CLIENT', 'READ_ONLY']) {
      await expect(createKey(latchkey, { scopes: ['verify:keys'], type }, OPERATOR_KEY)).rejects.toThrow(
        /cannot have verify:keys/,
      );
    }
  });
});

describe('an invalid request', () => {
  const codeOf = ({ status, body }: Answer) => [status, body.error.code, body.error.path];
  const token = 'lks_live_a-secret-that-must-not-be-repeated';

  it.each([
    ['no token', () => form({ scope: 'read:assets' }), [400, 'BAD_USER_INPUT', ['token']]],
    ['an empty token', () => form({ token: '' }), [400, 'BAD_USER_INPUT', ['token']]],
    ['a parameter twice', () => post(`token=a&token=${token}`), [400, 'BAD_REQUEST', undefined]],
    ['a misspelt restriction', () => form({ token, scopes: 'admin' }), [400, 'BAD_USER_INPUT', []]],
    ['an invalid scope', () => form({ token, scope: 'read:assets,write:assets' }), [400, 'BAD_USER_INPUT', ['scope']]],
    ['a cost that is no integer', () => form({ token, cost: '1e3' }), [400, 'BAD_USER_INPUT', ['cost']]],
    ['a negative cost', () => json({ token, cost: -1 }), [400, 'BAD_USER_INPUT', ['cost']]],
    ['a cost as text in JSON', () => json({ token, cost: '1' }), [400, 'BAD_USER_INPUT', ['cost']]],
    ['an invalid address', () => form({ token, address: 'unknown' }), [400, 'BAD_USER_INPUT', ['address']]],
    ['a list without items', () => json({ tokens: [] }), [400, 'BAD_USER_INPUT', ['tokens']]],
    ['101 tokens', () => json({ tokens: Array(101).fill({ token }) }), [400, 'BAD_USER_INPUT', ['tokens']]],
    ['a list of texts', () => json({ tokens: [token] }), [400, 'BAD_USER_INPUT', ['tokens', 0]]],
    ['a scope beside the list', () => json({ tokens: [{ token }], scope: 'admin' }), [400, 'BAD_REQUEST', undefined]],
    ['an array', () => json([{ token }]), [400, 'BAD_REQUEST', undefined]],
    ['no JSON', () => post(`{"token":"${token}`, { type: 'application/json' }), [400, 'BAD_REQUEST', undefined]],
    ['another type', () => post(token, { type: 'text/plain' }), [415, 'BAD_REQUEST', undefined]],
    [
      'a token in the URL',
      () => post(`token=${token}`, { search: `?token=${token}` }),
      [400, 'BAD_REQUEST', undefined],
    ],
  ] as const)('with %s is refused, counted, and repeats nothing', async (_what, send, expected) => {
    const answer = await send();
    expect(codeOf(answer)).toEqual(expected);
    expect(answer.body.error.message).toMatch(/\.$/);
    expect(answer.text).not.toContain('must-not-be-repeated');
    expect((await form({ token })).headers.get('ratelimit')).toBe('"verification-rate";r=29998;t=60');
  });

  it.each(['GET', 'PUT'])('by %s is refused with 405 and the way to send a token', async (method) => {
    const response = await fetch(`${latchkey.origin}/v1/verify?token=${token}`, { method });
    const { status, headers, body } = await answerOf(response);
    expect([status, headers.get('allow'), body]).toEqual([
      ...[405, 'POST', { error: { message: 'Send the token by POST, in the body.', code: 'BAD_REQUEST' } }],
    ]);
  });

  it('as a form is still refused by /graphql', async () => {
    const { status } = await fetch(latchkey.url, {
      method: 'POST',
      headers: { 'content-type': FORM, authorization: `Bearer ${reader.token}` },
      body: 'query={viewer{scopes}}',
    });
    expect(status).toBe(415);
  });
});

test('no log line has a token', async () => {
  const { token } = mintToken('lks', 'LIVE');
  await json({ tokens: [{ token }, { token: reader.token }] });
  await form({ token });
  await post('{', { type: 'application/json', search: `?token=${token}` });
  const logs = latchkey.logs.join('\n');
  expect(logs).toContain('/v1/verify');
  for (const secret of [token, reader.token, verifier.token]) expect(logs).not.toContain(secret.slice(-38));
});

test('a key that loses the scope while its body is arriving verifies nothing', async () => {
  const { token, id } = await createKey(latchkey, { scopes: ['verify:keys'] }, OPERATOR_KEY);
  const body = `token=${reader.token}`;
  const { socket, text, closed } = await openRaw(Number(new URL(latchkey.origin).port));
  socket.write(
    `POST /v1/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${FORM}\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body.slice(0, 5)}`,
  );
  await until(() => latchkey.service.connections.size > 0 && socket.bytesWritten > 0);
  // The header has been read: this request arrived later, and has its response.
  await form({ token: reader.token });
  await act(latchkey, 'revokeApiKey', { id }, OPERATOR_KEY);
  socket.write(body.slice(5));
  await closed;
  const answer = text();
  expect(answer).toMatch(/^HTTP\/1.1 401 /);
  expect(answer).not.toContain('"active"');
});

test('a batch of 100 tokens fits, and brute force by a holder of the scope ends', async () => {
  const service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  try {
    const { token } = await createKey(service, { scopes: ['verify:keys'] });
    const counts = { unknown: 0, unchecked: 0 };
    for (let i = 0; i < 6; i += 1) {
      const response = await fetch(`${service.origin}/v1/verify`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({
          tokens: Array.from({ length: 100 }, () => ({ token: mintToken('lks', 'LIVE').token })),
        }),
      });
      expect(response.status).toBe(200);
      const { results } = (await response.json()) as { results: { reason?: string; retry_after?: number }[] };
      for (const { reason } of results) counts[reason === 'unchecked' ? 'unchecked' : 'unknown'] += 1;
    }
    expect(counts).toEqual({ unknown: 300, unchecked: 300 });
    const { status, headers } = await fetch(`${service.origin}/v1/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': FORM },
      body: `token=${mintToken('lks', 'LIVE').token}`,
    });
    expect([status, Number(headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
  } finally {
    await service.close();
  }
});
