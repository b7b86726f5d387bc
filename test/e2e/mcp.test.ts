import { answerOf, createKey, startService, type TestService, demoOf } from '../support/service.js';
import { VALIDATOR } from '../support/validator.js';
import { connect } from '../server/mcp/client.js';

/** /mcp over HTTP: requests refused before a tool runs, and requests that count. */
const PAGE = 'https://app.example.com';
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const WHOAMI = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami', arguments: {} } };

let latchkey: TestService;
let token: string;
beforeAll(async () => {
  // Limits also use this clock: no units come back while a test runs.
  const now = Date.now();
  latchkey = await startService({ now: () => now, env: { CORS_ORIGINS: PAGE, DEFAULT_TIER: 'ENTERPRISE' } });
  token = (await createKey(latchkey)).token;
});
afterAll(() => latchkey.close());

interface Sent {
  readonly credential?: string | null;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

/** @param body sent unchanged if it is a string */
async function post(body: unknown, { credential = token, headers = {}, method = 'POST' }: Sent = {}) {
  return answerOf(
    await fetch(`${latchkey.origin}/mcp`, {
      method,
      headers: {
        ...(body !== null && { 'content-type': 'application/json' }),
        accept: 'application/json, text/event-stream',
        ...(credential !== null && { authorization: `Bearer ${credential}` }),
        ...headers,
      },
      ...(body !== null && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  );
}

const usedOf = (headers: Headers): number => 5_000 - Number(/"rate";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);

test('valid requests work, with the key in any of its header fields', async () => {
  for (const headers of [{ authorization: `Bearer ${token}` }, { 'x-api-key': token }]) {
    const { status, text } = await post(LIST, { credential: null, headers });
    expect([status, text.includes('search_schema')]).toEqual([200, true]);
  }
});

test.each([
  ['no credential', null, 'missing'],
  ['an unknown one', 'nonsense', 'malformed'],
])('%s gets 401 before the body is read', async (_, credential, reason) => {
  for (const body of [LIST, '{"broken', '']) {
    const { status, headers, body: answered } = await post(body, { credential });
    expect([status, answered.error.data]).toEqual([401, { code: 'UNAUTHENTICATED', reason }]);
    expect(headers.get('www-authenticate')).toContain('Bearer realm="latchkey"');
  }
});

test.each(['GET', 'DELETE', 'PUT'])('%s is for servers with sessions, and gets 405', async (method) => {
  const { status, headers } = await post(null, { method });
  expect([status, headers.get('allow')]).toEqual([405, 'POST']);
});

test.each(['https://evil.example', 'null', 'http://app.example.com', 'http://127.0.0.1'])(
  'refuses a page of %s, even with a valid key',
  async (origin) => {
    const { status, body, headers } = await post(WHOAMI, { headers: { origin } });
    expect([status, body.error.data.code]).toEqual([403, 'BAD_REQUEST']);
    expect(headers.has('access-control-allow-origin')).toBe(false);
  },
);

test('a name that resolves to this machine is not allowed as an origin: Host proves nothing', async () => {
  const { port } = new URL(latchkey.origin);
  const host = `rebound.example:${port}`;
  const { statusCode } = await latchkey.service.server.inject({
    method: 'POST',
    url: '/mcp',
    headers: { host, origin: `http://${host}`, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    payload: LIST,
  });
  expect(statusCode).toBe(403);
});

test('a page in CORS_ORIGINS can call, with the header fields of its SDK', async () => {
  const { status, headers } = await post(LIST, { headers: { origin: PAGE } });
  expect([status, headers.get('access-control-allow-origin')]).toEqual([200, PAGE]);
  const preflight = await fetch(`${latchkey.origin}/mcp`, {
    method: 'OPTIONS',
    headers: { origin: PAGE, 'access-control-request-method': 'POST' },
  });
  expect(preflight.headers.get('access-control-allow-headers')).toContain('MCP-Protocol-Version');
});

describe('hostile bodies', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const call = (args: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run_query","arguments":${args}}}`;
  it.each([
    ['10 MB', `"${'x'.repeat(10_000_000)}"`, 413],
    ['a batch', JSON.stringify([WHOAMI, WHOAMI]), 400],
    ['no JSON', '{"jsonrpc":', 400],
    ['nothing', '', 400],
    ['a number', '7', 400],
    ['no message', '{}', 400],
    ['an array that is deep', deep, 400],
  ])('%s', async (_, body, status) => {
    // A sender may only see a closed connection if it is still sending.
    const answered = await post(body).then(
      (answer) => answer.status,
      () => 413,
    );
    expect(answered).toBe(status);
    expect((await post(WHOAMI)).status).toBe(200);
  });

  it('refuses deeply nested variables with a message', async () => {
    const variables = `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    const { text } = await post(call(`{"document":"{ viewer { scopes } }","variables":${variables}}`));
    expect(text).not.toContain('"isError":true,"structuredContent":{"data"');
    expect((await post(WHOAMI)).status).toBe(200);
  });

  it('another content type gets 415', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      expect((await post(JSON.stringify(LIST), { headers: { 'content-type': type } })).status).toBe(415);
    }
  });

  it('refuses an unknown revision of the protocol', async () => {
    const { status, text } = await post(LIST, { headers: { 'mcp-protocol-version': '1999-01-01' } });
    expect([status, text]).toEqual([400, expect.stringContaining('protocol version')]);
  });

  it.each(['toString', '__proto__', 'constructor', ''])('there is no tool called "%s"', async (name) => {
    const { text } = await post({ ...WHOAMI, params: { name, arguments: {} } });
    expect(text).toContain('"error"');
    expect(text).not.toContain('structuredContent');
  });

  it('opens no stream, in any revision', async () => {
    const listen = { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { notifications: {} } };
    const { text } = await post(listen);
    expect(text).toContain('"error"');
  });
});

const call = (name: string, args: object) => ({ ...WHOAMI, params: { name, arguments: args } });
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'tests', version: '1' } },
};
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };

test('R4: each message costs one request, and an operation the rest of its cost', async () => {
  const own = (await createKey(latchkey)).token;
  const used = async (body: unknown) => usedOf((await post(body, { credential: own })).headers);
  const mutation = 'mutation { registerAsset(input: { name: "a" }) { name } }';
  const messages: [unknown, number][] = [
    [INITIALIZE, 1],
    [{ jsonrpc: '2.0', id: 2, method: 'ping' }, 1],
    [LIST, 1],
    [{ jsonrpc: '2.0', id: 3, method: 'nothing/known' }, 1],
    [{ jsonrpc: '2.0', id: 3, result: {} }, 1],
    [{ jsonrpc: '2.0', id: null, method: 'notifications/initialized' }, 1],
    [{ jsonrpc: '2.0', method: 'ping' }, 1],
    [[LIST, LIST], 1],
    [{}, 1],
    ['{"broken', 1],
    ['7', 1],
    [call('search_schema', { query: 'asset' }), 1],
    [call('describe_type', { name: 'Query' }), 1],
    [call('whoami', {}), 1],
    [call('nothing', {}), 1],
    [call('explain_access', { document: '{ a: viewer { scopes } b: viewer { scopes } }' }), 1],
    [call('run_query', { document: '{ viewer { scopes } }' }), 1],
    [call('run_query', { document: '{ a: viewer { scopes } b: viewer { scopes } }' }), 2],
    [call('run_query', { document: '{ nothing }' }), 1],
    [call('run_query', { document: mutation }), 1],
    [call('run_query', {}), 1],
  ];
  let sum = 0;
  for (const [message, cost] of messages) expect([message, await used(message)]).toEqual([message, (sum += cost)]);
});

test('R4: a key with 20 requests a minute gets 20 responses', async () => {
  let now = Date.now();
  const small = await startService({ now: () => now, env: { DEFAULT_TIER: 'FREE_TRIAL' } });
  try {
    const send = async (body: unknown, method = 'POST') => {
      now += 600;
      return answerOf(
        await fetch(`${small.origin}/mcp`, {
          method,
          headers: { 'content-type': 'application/json', authorization: `Bearer ${small.adminToken}` },
          ...(method === 'POST' && { body: JSON.stringify(body) }),
        }),
      );
    };
    const statuses: number[] = [];
    for (let i = 0; i < 60; i += 1) statuses.push((await send(i % 2 === 0 ? LIST : INITIALIZE)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(new Set(statuses.slice(20))).toEqual(new Set([429]));
    const refused = await send({ ...LIST, id: 'mine' });
    expect(refused.body).toMatchObject({ jsonrpc: '2.0', id: 'mine', error: { data: { code: 'RATE_LIMITED' } } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    // An operation fails too, and does not run.
    const document = 'mutation { registerAsset(input: { name: "late" }) { name } }';
    expect((await send(call('run_mutation', { document }))).status).toBe(429);
    expect(await demoOf(small).store.assets.find('default', 'late')).toBeNull();

    const beside: number[] = [];
    for (let i = 0; i < 30; i += 1) beside.push((await send(INITIALIZED)).status);
    for (let i = 0; i < 10; i += 1) beside.push((await send(null, 'GET')).status);
    expect(beside.filter((status) => status === 202)).toHaveLength(20);
    expect(beside.filter((status) => status === 405)).toHaveLength(0);
    expect(beside.slice(20)).toEqual(Array(20).fill(429));
  } finally {
    await small.close();
  }
});

test('R4: with a burst of two a client can connect and list the tools immediately, and call one a second later', async () => {
  let now = Date.now();
  const small = await startService({ now: () => now, env: { DEFAULT_TIER: 'FREE_TRIAL' } });
  try {
    const client = await connect(small, small.adminToken);
    expect(await client.tools()).toContain('run_query');
    await expect(client.call('whoami')).rejects.toThrow('RATE_LIMITED');
    now += 1_000;
    expect((await client.call('run_query', { document: '{ viewer { scopes } }' })).isError).toBe(false);
    const both = '{ a: viewer { scopes } b: viewer { scopes } }';
    now += 1_000;
    // All of the burst at once, and never more.
    expect((await client.call('run_query', { document: both })).isError).toBe(false);
    now += 1_000;
    const never = await client.call('run_query', {
      document: '{ a: viewer { scopes } b: viewer { scopes } d: viewer { scopes } }',
    });
    expect(never.value.errors[0].extensions).toMatchObject({ code: 'COST_EXCEEDS_BURST', cost: 3, burst: 2 });
    await client.close();
  } finally {
    await small.close();
  }
});

test.each(['*/*', 'application/*', 'application/json', '', 'application/json;q=0.9, */*;q=0.1'])(
  'R4: Accept "%s" gets JSON',
  async (accept) => {
    const { status, headers, body } = await post(LIST, { headers: { accept } });
    expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('application/json')]);
    expect(body.result.tools.length).toBeGreaterThan(3);
  },
);

test('R4: /mcp/ is the same as /mcp', async () => {
  const ask = (method: string, body?: string) =>
    fetch(`${latchkey.origin}/mcp/`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      ...(body !== undefined && { body }),
    });
  expect((await ask('POST', JSON.stringify(LIST))).status).toBe(200);
  expect((await ask('GET')).status).toBe(405);
});

test('required HTTPS also applies to /mcp, before the key is accepted', async () => {
  const strict = await startService({ env: { REQUIRE_HTTPS: 'true' } });
  try {
    const headers = { authorization: `Bearer ${strict.adminToken}`, 'content-type': 'application/json' };
    const ask = (more: object) =>
      strict.service.server.inject({ method: 'POST', url: '/mcp', headers: { ...headers, ...more }, payload: LIST });
    const answered = await ask({ 'x-forwarded-for': '203.0.113.9' });
    expect([answered.statusCode, answered.json().error.data.code]).toEqual([403, 'HTTPS_REQUIRED']);
    // A request from this machine does not cross a network.
    expect((await ask({ accept: 'application/json, text/event-stream' })).statusCode).toBe(200);
  } finally {
    await strict.close();
  }
});

test('the log and the metrics include it like any request, without the key', async () => {
  await post({ ...WHOAMI, params: { name: 'run_query', arguments: { document: '{ apiKeys { totalCount } }' } } });
  const line = latchkey.logs.map((text) => JSON.parse(text)).findLast(({ path }) => path === '/mcp');
  expect(line).toMatchObject({ method: 'POST', status: 200, outcome: 'FORBIDDEN', operation: 'query' });
  expect(latchkey.logs.join('')).not.toContain(token);
  const metrics = await latchkey.service.metrics.text();
  expect(metrics).toMatch(/route="\/mcp"/);
});

describe('N18: wrong arguments of a tool are explained', () => {
  it.each<[string, object, string]>([
    ['run_query', {}, 'document is missing. Allowed: a string of 1 to 64000 characters.'],
    ['run_query', { document: 7 }, 'document is not allowed. Allowed: a string of 1 to 64000 characters.'],
    ['run_query', { document: '{ a }', variables: [] }, 'variables is not allowed. Allowed: an object of names'],
    ['run_query', { query: '{ a }', document: '{ a }' }, 'there is no argument "query". Arguments: document,'],
    ['search_schema', { limit: 1_000 }, 'limit is not allowed. Allowed: a whole number from 1 to 50.'],
    ['search_schema', { limit: 1.5 }, 'limit is not allowed. Allowed: a whole number from 1 to 50.'],
    ['describe_type', { name: '' }, 'name is not allowed. Allowed: a string of 1 to 200 characters.'],
    ['whoami', { a: 1 }, 'there is no argument "a". Arguments: none.'],
  ])('%s %j', async (name, args, said) => {
    const { text } = await post(call(name, args));
    const [message = ''] = /\{.*\}/.exec(text) ?? [];
    const { result } = JSON.parse(message) as { result: { isError: boolean; content: { text: string }[] } };
    expect(result.isError).toBe(true);
    expect(result.content[0]?.text).toContain(`Invalid arguments for ${name}: ${said}`);
    expect(result.content[0]?.text).not.toMatch(VALIDATOR);
  });
});
