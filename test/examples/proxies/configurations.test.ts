import { parse } from 'yaml';
import { createKey, startService, type TestService } from '../../support/service.js';
import { documentOf } from '../../support/session.js';

let latchkey: TestService;
let reader: { token: string; id: string };
let writer: { token: string; id: string };
beforeAll(async () => {
  latchkey = await startService({ env: { TRUST_PROXY: '127.0.0.1', AUTH_AUDIENCES: 'orders' } });
  reader = await createKey(latchkey, { scopes: ['read:assets'] });
  writer = await createKey(latchkey, { scopes: ['write:assets'] });
});
afterAll(() => latchkey.close());

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into configurations freely.
const read = (path: string): any => parse(documentOf(path));

/** The response of Latchkey to the request that a proxy sends. */
async function check(address: string, token: string | null, method = 'GET'): Promise<Response> {
  const { pathname, search } = new URL(address);
  return fetch(latchkey.origin + pathname + search, {
    method,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });
}

async function expectChecked(address: string, method?: string): Promise<void> {
  const passed = await check(address, reader.token, method);
  expect([passed.status, passed.headers.has('latchkey-principal')]).toEqual([204, true]);
  const statuses = [await check(address, writer.token, method), await check(address, null, method)];
  expect(statuses.map(({ status }) => status)).toEqual([403, 401]);
}

test('the address in the example of Traefik checks the scope, and the principal of a caller is replaced', async () => {
  const { http } = read('examples/traefik/dynamic.yaml');
  const { forwardAuth } = http.middlewares.latchkey;
  await expectChecked(forwardAuth.address);
  expect(forwardAuth).toMatchObject({ authResponseHeaders: ['Latchkey-Principal'], trustForwardHeader: false });
  expect(forwardAuth.authRequestHeaders).toEqual(['Authorization', 'X-API-Key']);
  // The key is removed after it was checked.
  expect(http.routers.orders.middlewares).toEqual(['latchkey', 'without-key']);
  expect(http.middlewares['without-key'].headers.customRequestHeaders).toEqual({ Authorization: '', 'X-API-Key': '' });
});

test('the path in the example of Envoy checks the scope, with any method, path and query string of a caller', async () => {
  const [listener] = read('examples/envoy/envoy.yaml').static_resources.listeners;
  const connections = listener.filter_chains[0].filters[0].typed_config;
  const [mutation, authorization, router] = connections.http_filters;
  const {
    server_uri: server,
    path_prefix: prefix,
    authorization_response: response,
  } = authorization.typed_config.http_service;
  for (const rest of ['/', '/orders/5?page=2', '/?scope=&audience=other', '/v1/auth?scope=', '/scope=']) {
    for (const method of ['GET', 'POST', 'OPTIONS']) await expectChecked(server.uri + prefix + rest, method);
  }
  expect(authorization.typed_config.failure_mode_allow).toBe(false);
  expect(mutation.typed_config.mutations.request_mutations).toEqual([{ remove: 'latchkey-principal' }]);
  expect([mutation.name, authorization.name, router.name]).toEqual([
    'envoy.filters.http.header_mutation',
    'envoy.filters.http.ext_authz',
    'envoy.filters.http.router',
  ]);
  expect(response.allowed_upstream_headers.patterns).toEqual([{ exact: 'latchkey-principal' }]);
  expect(connections.common_http_protocol_options.headers_with_underscores_action).toBe('REJECT_REQUEST');
  const [host] = connections.route_config.virtual_hosts;
  expect(host.request_headers_to_remove).toEqual(['authorization', 'x-api-key']);
});
