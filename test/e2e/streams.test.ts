import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { EventSource } from 'eventsource';
import { createClient } from 'graphql-sse';
import { parseExposition } from '../server/metrics/exposition.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { openStream, readStream } from '../support/streams.js';
import { until } from '../support/until.js';
import { act } from './operations.js';

const CHANGED = 'subscription { assetChanged { name } }';

let latchkey: TestService;
let admin: string;
beforeAll(async () => {
  latchkey = await startService({
    env: {
      ADMIN_API_KEY: OPERATOR_KEY,
      DEFAULT_TIER: 'ENTERPRISE',
      LOG_LEVEL: 'trace',
      CORS_ORIGINS: 'https://app.example.com',
      // Long enough that only the change itself can end a stream.
      AUTH_CACHE_TTL: '60000',
    },
  });
  admin = (await act(latchkey, 'createWorkspace', { name: 'w', tier: 'ENTERPRISE' }, OPERATOR_KEY)).token;
});
afterAll(() => latchkey.close());

const key = (input: Parameters<typeof createKey>[1] = {}) => createKey(latchkey, input, admin);
const register = async (name: string) => {
  const { body } = await latchkey.query(`mutation { registerAsset(input: { name: "${name}" }) { name } }`, {
    token: admin,
  });
  expect(body.errors).toBeUndefined();
};
const open = (token: string | null, query = CHANGED, more: object = {}) =>
  openStream(latchkey.origin, query, { token, ...more });
const address = (parameters: Record<string, string>) =>
  `${latchkey.origin}/graphql/stream?${new URLSearchParams(parameters).toString()}`;

describe('common clients', () => {
  it('an EventSource with the key in its URL receives events; without a key it is refused', async () => {
    const { token } = await key();
    const source = new EventSource(address({ query: CHANGED, api_key: token }));
    const told = new Promise<string>((resolve) => {
      source.addEventListener('next', ({ data }) => resolve(data as string));
    });
    await new Promise((resolve) => (source.onopen = resolve));
    await register('by-event-source');
    expect(JSON.parse(await told)).toEqual({ data: { assetChanged: { name: 'by-event-source' } } });
    source.close();

    const refused = new EventSource(address({ query: CHANGED }));
    const code = await new Promise((resolve) => (refused.onerror = ({ code }) => resolve(code)));
    expect(code).toBe(401);
    // It does not try again.
    expect(refused.readyState).toBe(EventSource.CLOSED);
  });

  it('the graphql-sse client with the key in a header receives events; without the scope it is refused', async () => {
    const clientOf = (token: string, onOpen: () => void = () => undefined) =>
      createClient({
        url: `${latchkey.origin}/graphql/stream`,
        headers: { authorization: `Bearer ${token}` },
        retryAttempts: 0,
        fetchFn: async (input: string, init: RequestInit) => {
          const response = await fetch(input, init);
          onOpen();
          return response;
        },
      });
    const { token } = await key();
    let opened = (): void => undefined;
    const isOpen = new Promise<void>((resolve) => (opened = resolve));
    const events = clientOf(token, opened).iterate({ query: CHANGED });
    const first = events.next();
    await isOpen;
    await register('by-client');
    expect((await first).value).toEqual({ data: { assetChanged: { name: 'by-client' } } });
    await events.return?.();

    const { token: writer } = await key({ scopes: ['write:assets'] });
    await expect(clientOf(writer).iterate({ query: CHANGED }).next()).rejects.toMatchObject({
      response: expect.objectContaining({ status: 403 }),
    });
  });
});

describe('refused before the stream starts, as on /graphql', () => {
  it('the same status, challenge and error', async () => {
    const { token: writer } = await key({ scopes: ['write:assets'] });
    const revoked = await key();
    await act(latchkey, 'revokeApiKey', { id: revoked.id }, admin);
    const subscription = await open(writer, 'subscription { assetChanged { name } }');
    expect([subscription.status, subscription.body.errors[0].extensions]).toEqual([
      403,
      {
        code: 'FORBIDDEN',
        missing: ['read:assets'],
        fields: [{ coordinate: 'Subscription.assetChanged', requires: [['read:assets']] }],
      },
    ]);
    for (const [token, query, status, code] of [
      [null, CHANGED, 401, 'UNAUTHENTICATED'],
      [revoked.token, CHANGED, 401, 'UNAUTHENTICATED'],
      ['lks_live_nonsense', CHANGED, 401, 'UNAUTHENTICATED'],
      [writer, CHANGED, 403, 'FORBIDDEN'],
      [writer, 'subscription { keyEvents { keyId } }', 403, 'FORBIDDEN'],
      [admin, 'subscription { nothing }', 400, 'GRAPHQL_VALIDATION_FAILED'],
      [admin, 'subscription {', 400, 'GRAPHQL_PARSE_FAILED'],
      [admin, 'subscription ($name: String!) { assetChanged(name: $name) { name } }', 400, 'BAD_USER_INPUT'],
      [admin, 'subscription { assetChanged { name } keyEvents { keyId } }', 400, 'GRAPHQL_VALIDATION_FAILED'],
    ] as const) {
      const { status: given, headers, body } = await open(token, query);
      expect([query, given, body.errors[0].extensions.code]).toEqual([query, status, code]);
      expect(headers.get('www-authenticate') !== null).toBe(status === 401 || status === 403);
      expect(headers.get('content-type')).toContain('application/json');
    }
  });

  it('queries and mutations belong to /graphql, subscriptions do not; neither runs, and each counts as one', async () => {
    const { token } = await key({ scopes: ['admin'] });
    const remaining = (headers: Headers) => Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
    const before = await latchkey.query('{ apiKeys { totalCount } }', { token });
    for (const query of [
      '{ viewer { scopes } }',
      'mutation { createApiKey(input: { name: "by the back door", scopes: ["read:assets"] }) { token } }',
    ]) {
      const { status, body } = await open(token, query);
      expect([status, body.errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST']);
      expect(body.errors[0].message).toContain('to /graphql.');
    }
    const subscription = await latchkey.query(CHANGED, { token });
    expect(subscription.status).toBe(400);
    expect(subscription.body.errors[0].message).toContain('/graphql/stream');
    const after = await latchkey.query('{ apiKeys { totalCount } }', { token });
    expect(after.body).toEqual(before.body);
    expect(remaining(before.headers) - remaining(after.headers)).toBe(4);
  });

  it('without Accept: text/event-stream 406, another method 405, a body of another type 415', async () => {
    const accept = { accept: 'application/json' };
    expect((await open(admin, CHANGED, { headers: accept })).status).toBe(406);
    const authorization = `Bearer ${admin}`;
    for (const method of ['PUT', 'DELETE', 'HEAD']) {
      const { status } = await readStream(address({ query: CHANGED }), { method, headers: { authorization } });
      expect([method, status]).toEqual([method, 405]);
    }
    const form = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    expect((await readStream(address({}), { method: 'POST', headers: form, body: 'query=x' })).status).toBe(415);
    const broken = await readStream(address({ query: CHANGED, variables: '{' }), { headers: { authorization } });
    expect([broken.status, broken.body.errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST']);
  });
});

describe('a key in the URL', () => {
  it('is only accepted in a GET for events, once, and not in addition to a header', async () => {
    const { token } = await key();
    const events = await readStream(address({ query: CHANGED, api_key: token }));
    expect(events.status).toBe(200);
    events.close();
    const both = { authorization: `Bearer ${token}` };
    for (const [url, init] of [
      [address({ query: CHANGED, api_key: token }), { headers: both }],
      [address({ query: CHANGED, api_key: token }), { headers: { 'x-api-key': admin } }],
      [`${address({ query: CHANGED, api_key: token })}&api_key=${token}`, {}],
      [address({ query: CHANGED, api_key: token }), { headers: { accept: 'application/json' } }],
      [
        address({ api_key: token }),
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: CHANGED }) },
      ],
    ] as const) {
      const { status, headers, body } = await readStream(url, init);
      expect([status, body.errors[0].extensions]).toEqual([400, { code: 'BAD_REQUEST' }]);
      expect(headers.get('www-authenticate')).toContain('error="invalid_request"');
      expect(JSON.stringify(body)).not.toContain(token);
    }
    for (const path of [`/graphql?query={viewer{scopes}}&api_key=${token}`, `/schema.graphql?api_key=${token}`]) {
      const { status } = await fetch(latchkey.origin + path, { headers: { 'apollo-require-preflight': '1' } });
      expect([200, 401]).toContain(status);
      // The response is the same as for an anonymous request.
      const nobody = await fetch(latchkey.origin + path.replace(token, 'x'), {
        headers: { 'apollo-require-preflight': '1' },
      });
      expect(status).toBe(nobody.status);
    }
  });

  it('is neither in the log nor in the metrics', async () => {
    const { token } = await key();
    const lines = () => latchkey.logs.filter((line) => line.includes('"/graphql/stream"')).length;
    const before = lines();
    for (const parameters of [
      { query: CHANGED, api_key: token },
      { query: '{', api_key: token },
      { query: CHANGED, api_key: `${token}x` },
      { query: CHANGED, variables: '{', api_key: token },
    ]) {
      const reading = await readStream(address(parameters));
      reading.close();
    }
    (await readStream(`${address({ query: CHANGED, api_key: token })}&x=%zz`)).close();
    await readStream(`${latchkey.origin}/graphql/stream/${token}?api_key=${token}`);
    await until(() => lines() >= before + 5);
    expect(latchkey.logs.join('')).not.toContain(token.slice(-38, -6));
    expect(await latchkey.service.metrics.text()).not.toContain(token.slice(-38, -6));
  });
});

describe('a stream ends when its key may no longer read it', () => {
  const ended = async (
    change: (id: string) => Promise<unknown>,
    input: Parameters<typeof createKey>[1] = {},
    query = CHANGED,
  ) => {
    const made = await key(input);
    const stream = await open(made.token, query);
    expect(stream.status).toBe(200);
    await change(made.id);
    await register('after');
    const last = await stream.last();
    expect(stream.completed()).toBe(true);
    expect(stream.results).toEqual([last]);
    const { extensions } = last.errors[0];
    const again = await open(made.token, query);
    expect(again.body.errors[0].extensions.code).toBe(extensions.code);
    return extensions;
  };

  it('revoked, expired, re-scoped', async () => {
    expect(await ended((id) => act(latchkey, 'revokeApiKey', { id }, admin))).toEqual({
      code: 'UNAUTHENTICATED',
      reason: 'revoked',
    });
    expect(await ended((id) => act(latchkey, 'expireApiKey', { id, at: '2020-01-01T00:00:00Z' }, admin))).toEqual({
      code: 'UNAUTHENTICATED',
      reason: 'expired',
    });
    expect(await ended((id) => act(latchkey, 'updateApiKey', { id, scopes: ['write:assets'] }, admin))).toMatchObject({
      code: 'FORBIDDEN',
      missing: ['read:assets'],
    });
  });

  it('bound to other addresses, or to other documents', async () => {
    expect(await ended((id) => act(latchkey, 'updateApiKey', { id, allowedAddresses: ['10.0.0.1'] }, admin))).toEqual({
      code: 'ADDRESS_NOT_ALLOWED',
    });
    expect(
      await ended((id) => act(latchkey, 'updateApiKey', { id, trustedDocuments: ['0'.repeat(64)] }, admin)),
    ).toMatchObject({ code: 'DOCUMENT_NOT_TRUSTED' });
  });

  it("its user's role loses scopes, or the user is removed", async () => {
    const { user } = await act(latchkey, 'addUser', { name: 'u', roles: ['viewer'] }, admin);
    const fall = () => act(latchkey, 'updateUser', { id: user.id, roles: [] }, admin);
    expect(await ended(fall, { userId: user.id })).toMatchObject({ code: 'FORBIDDEN' });
    const { user: other } = await act(latchkey, 'addUser', { name: 'v', roles: ['viewer'] }, admin);
    const leave = () => act(latchkey, 'removeUser', { id: other.id }, admin);
    expect(await ended(leave, { userId: other.id })).toEqual({
      code: 'UNAUTHENTICATED',
      reason: 'user_left',
    });
  });

  it('continues for a key that keeps the required scopes', async () => {
    const made = await key();
    const stream = await open(made.token);
    await act(latchkey, 'updateApiKey', { id: made.id, scopes: ['read:all'] }, admin);
    await register('still');
    expect(await stream.first(1)).toEqual([{ data: { assetChanged: { name: 'still' } } }]);
    stream.close();
  });
});

test('CORS is as on /graphql', async () => {
  const { token } = await key();
  const stream = await open(token, CHANGED, { headers: { origin: 'https://app.example.com' } });
  expect(stream.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  stream.close();
  const other = await open(token, CHANGED, { headers: { origin: 'https://other.example.com' } });
  expect(other.headers.get('access-control-allow-origin')).toBeNull();
  other.close();
});

test('a stream counts as open while it is, and its duration is the time until it started', async () => {
  const own = await startService();
  const sums = async () => {
    const { value } = parseExposition(await own.service.metrics.text());
    const route = { route: '/graphql/stream' };
    return {
      open: value('latchkey_streams_open'),
      count: value('latchkey_http_request_duration_seconds_count', route),
      sum: value('latchkey_http_request_duration_seconds_sum', route),
    };
  };
  const began = performance.now();
  const stream = await openStream(own.origin, CHANGED, { token: own.adminToken });
  const untilOpen = performance.now() - began;
  expect(await sums()).toEqual({ open: 1, count: 0, sum: 0 });
  await new Promise((resolve) => setTimeout(resolve, 2 * untilOpen + 50));
  stream.close();
  await until(async () => (await sums()).count === 1);
  const after = await sums();
  expect(after.open).toBe(0);
  expect(after.sum).toBeLessThanOrEqual(untilOpen / 1_000);
  await own.close();
});

test('a reader that disconnects gives its place back', async () => {
  const starter = (await act(latchkey, 'createWorkspace', { name: 's', tier: 'GROWTH' }, OPERATOR_KEY)).token;
  const sent = httpRequest(address({ query: CHANGED }), {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${starter}` },
  }).end();
  await once(sent, 'response');
  const streams = await Promise.all(Array.from({ length: 9 }, () => open(starter)));
  const [refused] = [await open(starter)];
  expect([refused.status, refused.body.errors[0].extensions]).toEqual([429, { code: 'TOO_MANY_STREAMS', limit: 10 }]);
  sent.destroy();
  await until(async () => {
    const next = await open(starter);
    next.close();
    return next.status === 200;
  });
  for (const stream of streams) stream.close();
});
