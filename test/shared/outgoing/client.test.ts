import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as anywhere from '../../../src/client/index.js';
import * as onNode from '../../../src/client/node.js';
import { startProxy, type ConnectProxy } from '../../support/connectProxy.js';
import { createKey, startService, type TestService } from '../../support/service.js';
import { until } from '../../support/until.js';

const { createClient, createFetch, Unavailable } = onNode;
const QUERY = '{ viewer { scopes } }';
/** Only the proxy can resolve this name. */
const NAME = 'api.example.test';
const PASSWORD = 'hunter2';

const environment = process.env;
let service: TestService;
let proxy: ConnectProxy;
let url: string;

beforeAll(async () => {
  service = await startService();
  url = service.url.replace('127.0.0.1', NAME);
});
beforeEach(async () => {
  proxy = await startProxy();
});
afterEach(async () => {
  process.env = { ...environment };
  await proxy.close();
});
afterAll(() => service.close());

const client = (options: onNode.ClientOptions = {}) =>
  createClient({ url, apiKey: service.adminToken, maxRetries: 0, ...options });

async function errorOf(promise: Promise<unknown>): Promise<InstanceType<typeof Unavailable>> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Unavailable)) throw new Error(`Not Unavailable: ${String(error)}`);
  return error;
}

test.each(['HTTP_PROXY', 'http_proxy'])('sends requests through the proxy of %s, in absolute form', async (name) => {
  process.env[name] = proxy.url;
  const asking = client();
  expect(await asking.request(QUERY)).toEqual({ viewer: { scopes: ['admin'] } });
  expect(proxy.requests).toEqual([`POST ${url}`]);
  expect(proxy.authorizations).toEqual([undefined]);
  await asking.close();
});

test('createFetch sends through the proxy too', async () => {
  process.env.http_proxy = proxy.url;
  const send = createFetch({ url, apiKey: service.adminToken });
  const headers = { 'content-type': 'application/json' };
  const response = await send(url, { method: 'POST', headers, body: JSON.stringify({ query: QUERY }) });
  expect([response.status, await response.json()]).toEqual([200, { data: { viewer: { scopes: ['admin'] } } }]);
  expect(proxy.requests).toEqual([`POST ${url}`]);
});

test('a subscription uses the proxy, and ends with the client', async () => {
  process.env.http_proxy = proxy.url;
  const asking = client();
  const stream = asking.subscribe('subscription { keyEvents { type } }');
  const first = stream.next();
  await until(() => proxy.requests.length === 1);
  await createKey(service, { name: 'while it streams' });
  expect(await first).toMatchObject({ done: false });
  const second = stream.next();
  await asking.close();
  expect(await second).toMatchObject({ done: true });
  expect(proxy.requests).toEqual([`POST ${url}/stream`]);
});

test('does not use HTTP_PROXY for https, or HTTPS_PROXY for http', async () => {
  process.env.HTTPS_PROXY = proxy.url;
  expect((await errorOf(client().request(QUERY))).code).toBe('UNREACHABLE');
  delete process.env.HTTPS_PROXY;
  process.env.HTTP_PROXY = proxy.url;
  expect((await errorOf(client({ url: url.replace('http:', 'https:') }).request(QUERY))).code).toBe('UNREACHABLE');
  expect(proxy.requests).toEqual([]);
});

test.each(['*', NAME, 'example.test', '.example.test', 'other.test, example.test'])(
  'NO_PROXY=%s: sends requests directly',
  async (list) => {
    Object.assign(process.env, { http_proxy: proxy.url, no_proxy: list });
    // This host does not exist.
    expect((await errorOf(client().request(QUERY))).message).toContain(`${NAME}:`);
    expect(proxy.requests).toEqual([]);
  },
);

test('NO_PROXY with another host or port: uses the proxy', async () => {
  for (const list of ['other.test', `${NAME}:1`, 'ample.test']) {
    Object.assign(process.env, { http_proxy: proxy.url, NO_PROXY: list });
    await client().request(QUERY);
  }
  expect(proxy.requests).toHaveLength(3);
});

test('sends requests to loopback directly', async () => {
  process.env.http_proxy = proxy.url;
  expect(await client({ url: service.url }).request(QUERY)).toEqual({ viewer: { scopes: ['admin'] } });
  expect(proxy.requests).toEqual([]);
});

test('does not apply to a custom fetch or to the client of other platforms', async () => {
  process.env.http_proxy = proxy.url;
  const own = client({ fetch: (_, init) => fetch(service.url, init) });
  expect(await own.request(QUERY)).toEqual({ viewer: { scopes: ['admin'] } });
  await errorOf(anywhere.createClient({ url, apiKey: service.adminToken, maxRetries: 0 }).request(QUERY));
  expect(proxy.requests).toEqual([]);
});

describe('a proxy with a password', () => {
  let guarded: ConnectProxy;
  beforeEach(async () => {
    guarded = await startProxy(`me:${PASSWORD}`);
  });
  afterEach(() => guarded.close());

  test('receives the password as Proxy-Authorization, and the server does not', async () => {
    process.env.http_proxy = guarded.url;
    expect(await client().request(QUERY)).toEqual({ viewer: { scopes: ['admin'] } });
    expect(guarded.authorizations).toEqual([`Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}`]);
    expect(service.logs.join()).not.toMatch(/proxy-authorization|hunter2/i);
  });

  test.each([
    ['is missing', '', /requires credentials \(407\)\. Set http_proxy to /],
    ['is wrong', 'me:wrong-hunter2@', /does not accept the credentials \(407\)/],
  ])('that %s: one request, and an error that shows no password', async (_, credentials, message) => {
    process.env.http_proxy = `http://${credentials}${guarded.host}`;
    const error = await errorOf(client({ maxRetries: 5 }).request(QUERY));
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`The proxy ${guarded.host} (http_proxy)`);
    expect(error.code).toBe('PROXY_REFUSED');
    // A retry would be refused again.
    expect(guarded.requests).toHaveLength(1);
    expect(textOf(error)).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  test('a stream is not retried either', async () => {
    process.env.http_proxy = `http://${guarded.host}`;
    const stream = client({ maxRetries: 5 }).subscribe('subscription { keyEvents { type } }');
    expect((await errorOf(stream.next())).code).toBe('PROXY_REFUSED');
    expect(guarded.requests).toHaveLength(1);
  });
});

test.each(['http', 'https'])(
  'a proxy that is down, for %s: an error with the proxy and its variable',
  async (scheme) => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, 'close');
    process.env[`${scheme}_proxy`] = `http://me:${PASSWORD}@127.0.0.1:${port}`;
    const error = await errorOf(client({ url: url.replace('http:', `${scheme}:`) }).request(QUERY));
    expect(error.message).toContain(`through the proxy 127.0.0.1:${port} (${scheme}_proxy): ECONNREFUSED`);
    expect(error.code).toBe('UNREACHABLE');
    expect(textOf(error)).not.toContain(PASSWORD);
  },
);

test.each([
  [403, 'PROXY_REFUSED'],
  [503, 'UNREACHABLE'],
])('a proxy that responds to CONNECT with %d: %s', async (status, code) => {
  proxy.status = status;
  process.env.HTTPS_PROXY = proxy.url;
  const error = await errorOf(client({ url: `https://${NAME}/graphql` }).request(QUERY));
  expect([error.code, error.message]).toEqual([
    code,
    expect.stringContaining(`does not forward to ${NAME} (${status})`),
  ]);
  expect(proxy.requests).toEqual([`CONNECT ${NAME}:443`]);
});

test('createClient and createFetch throw an error for an invalid proxy, with the variable but without its value', () => {
  process.env.HTTPS_PROXY = `http://u:${PASSWORD}@host:99999`;
  for (const create of [createClient, createFetch]) {
    expect(() => create({ url, apiKey: null })).toThrow(TypeError);
    expect(() => create({ url, apiKey: null })).toThrow('HTTPS_PROXY is not the URL of a proxy.');
    expect(() => create({ url, apiKey: null })).not.toThrow(PASSWORD);
  }
});

test('has the same exports as the client of other platforms', () => {
  expect(Object.keys(onNode).sort()).toEqual(Object.keys(anywhere).sort());
  expect(onNode.LatchkeyError).toBe(anywhere.LatchkeyError);
});

/** The error with its causes, as a logger would write it. */
function textOf(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    parts.push(String(at), at.stack ?? '', JSON.stringify(at, Object.getOwnPropertyNames(at)));
  }
  return parts.join('\n');
}
