import type { IncomingMessage } from 'node:http';
import { connect } from '../mcp/client.js';
import { FRAMEWORKS, keyOn, startHost, type Framework, type Host } from './hosts.js';

const hosts: Host[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});
async function started(...given: Parameters<typeof startHost>): Promise<Host> {
  const host = await startHost(...given);
  hosts.push(host);
  return host;
}

describe.each(FRAMEWORKS)('on %s', (framework: Framework) => {
  test('manages keys of a schema whose types have the same names', async () => {
    const host = await started(framework);
    const own = await host.post('/admin/graphql', { query: '{ viewer { scopes } projects { nodes { name } } }' });
    expect(own.body).toEqual({ data: { viewer: { scopes: ['admin'] }, projects: { nodes: [] } } });
    expect(own.headers.get('x-host')).toBe(framework);

    const { token } = await keyOn(host, ['read:people', 'read:boards']);
    const theirs = await host.post(
      '/graphql',
      { query: '{ viewer { id } users { nickname } projects { title } }' },
      token,
    );
    expect(theirs.body).toEqual({
      data: { viewer: { id: '1' }, users: [{ nickname: 'ada' }], projects: [{ title: 'Roof' }] },
    });
    expect((await host.post('/graphql', { query: '{ projects { salary } }' }, token)).status).toBe(403);
    expect((await host.post('/graphql', { query: '{ apiKeys { totalCount } }' })).status).toBe(400);
    expect((await host.post('/admin/graphql', { query: '{ apiKeys { totalCount } }' }, token)).status).toBe(403);
    expect((await host.post('/admin/graphql', { query: '{ viewer { scopes } }' }, '')).status).toBe(401);
  });

  test('lists the scopes of both schemas, with the fields that they open', async () => {
    const host = await started(framework);
    const { body } = await host.post('/admin/graphql', { query: '{ scopes { scope opens } }' });
    const scopes = new Map(
      body.data.scopes.map(({ scope, opens }: { scope: string; opens: string[] }) => [scope, opens] as const),
    );
    expect(scopes.get('read:salaries')).toEqual([]);
    expect(scopes.get('write:boards')).toEqual(['Mutation.createProject']);
    expect(scopes.get('read:people')).toEqual(['Query.users']);
    expect(scopes.get('admin')).toEqual(expect.arrayContaining(['Query.users', 'Query.apiKeys']));
  });

  test('explains documents of their schema first, and otherwise of the administration API', async () => {
    const host = await started(framework);
    const { id } = await keyOn(host, ['read:people']);
    const query =
      'query ($id: ID!, $document: String!) { explainAccess(keyId: $id, document: $document) { allowed missingScopes errors { message } } }';
    const explain = async (document: string) =>
      (await host.post('/admin/graphql', { query, variables: { id, document } })).body.data.explainAccess;
    expect(await explain('{ projects { salary } }')).toMatchObject({
      allowed: false,
      missingScopes: ['read:boards', 'read:salaries'],
    });
    expect(await explain('{ users { nickname } }')).toEqual({ allowed: true, missingScopes: [], errors: [] });
    expect(await explain('{ apiKeys { totalCount } }')).toMatchObject({ missingScopes: ['admin'], errors: [] });
    const { errors } = await explain('{ nothing }');
    expect(errors).toMatchObject([{ message: expect.stringContaining('nothing') }]);
  });

  test("offers MCP's tools for their schema, and runs operations with their context", async () => {
    const host = await started(framework, { context: async () => ({ greeter: 'ada', principal: null }) });
    const { token } = await keyOn(host, ['read:boards']);
    const client = await connect(host, token, `${host.origin}/admin/mcp`);
    try {
      const found = await client.call('search_schema', { query: 'projects' });
      expect(found.value.found).toMatchObject([
        { coordinate: 'Query.projects', requires: [['read:boards']] },
        { coordinate: 'Project' },
      ]);
      const ran = await client.call('run_query', { document: '{ projects { title } viewer { nickname } }' });
      expect(ran.value.data).toEqual({ projects: [{ title: 'Roof' }], viewer: { nickname: 'ada' } });
      const refused = await client.call('run_query', { document: '{ users { id } }' });
      expect([refused.isError, JSON.stringify(refused.value)]).toEqual([true, expect.stringContaining('read:people')]);
      const explained = await client.call('explain_access', { document: '{ users { id } }' });
      expect(explained.value).toMatchObject({ allowed: false, missingScopes: ['read:people'] });
      expect(await client.tools()).not.toContain('run_mutation');
    } finally {
      await client.close();
    }
  });

  test('serves the dashboard, GraphiQL and the schema below any path', async () => {
    const host = await started(framework, { path: '/internal/keys', endpoint: '/v2/graphql' });
    const get = (path: string, accept = 'text/html', token = '') =>
      fetch(`${host.origin}/internal/keys${path}`, {
        headers: { accept, ...(token !== '' && { authorization: `Bearer ${token}` }) },
        redirect: 'manual',
      });
    expect((await get('')).headers.get('location')).toBe('/internal/keys/dashboard/');
    const page = await get('/dashboard/keys/key_1');
    const html = await page.text();
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringContaining("script-src 'self'"),
    ]);
    expect(html).toContain('data-base="/internal/keys/dashboard/" data-api="/internal/keys/graphql"');
    const [, script = ''] = /src="([^"]+)"/.exec(html) ?? [];
    expect(script).toMatch(/^\/internal\/keys\/dashboard\/assets\//);
    expect((await fetch(host.origin + script)).status).toBe(200);
    expect(await (await get('/graphql')).text()).toContain('"endpoint":"/internal/keys/graphql"');
    expect(await (await get('/graphiql')).text()).toContain('"endpoint":"/v2/graphql"');
    const { token } = await keyOn(host, ['read:boards'], '/internal/keys');
    const schema = await (await get('/schema.graphql', '*/*', token)).text();
    expect(schema).toContain('projects: [Project!]!');
    expect(schema).not.toContain('createApiKey');
    expect((await get('/nothing')).status).toBe(404);
    expect(await (await get('/nothing')).json()).toMatchObject({
      errors: [{ message: 'Not found. The API is at /internal/keys/graphql.' }],
    });
    expect((await fetch(`${host.origin}/internal/keysandmore`)).status).toBe(404);
  });

  test('streams events of keys, and ends them when it closes', async () => {
    const host = await started(framework);
    const response = await fetch(`${host.origin}/admin/graphql/stream`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${host.adminToken}`,
      },
      body: JSON.stringify({ query: 'subscription { keyEvents { type keyId } }' }),
    });
    expect(response.status).toBe(200);
    const { id } = await keyOn(host, ['read:people']);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (!text.includes(id)) text += Buffer.from((await reader.read()).value ?? []).toString();
    expect(text).toContain(`"type":"CREATED","keyId":"${id}"`);
    hosts.splice(hosts.indexOf(host), 1);
    await host.close();
    let part = await reader.read();
    while (!part.done) part = await reader.read();
    expect(part.done).toBe(true);
  });

  test('takes the address of a caller from the host', async () => {
    const host = await started(framework, { trustProxy: true });
    const query =
      'mutation { createApiKey(input: { name: "k", scopes: ["read:people"], allowedAddresses: ["198.51.100.7"] }) { token } }';
    const { token } = (await host.post('/admin/graphql', { query })).body.data.createApiKey;
    const from = async (address: string) =>
      (await host.post('/admin/graphql', { query: '{ viewer { scopes } }' }, token, { 'x-forwarded-for': address }))
        .status;
    expect([await from('198.51.100.7'), await from('198.51.100.8')]).toEqual([200, 403]);
    const unproxied = await started(framework);
    const { token: other } = (await unproxied.post('/admin/graphql', { query })).body.data.createApiKey;
    const spoofed = { 'x-forwarded-for': '198.51.100.7' };
    expect((await unproxied.post('/admin/graphql', { query: '{ viewer { scopes } }' }, other, spoofed)).status).toBe(
      403,
    );
  });

  test('takes the address of a caller from the option, if there is one', async () => {
    const address = (request: IncomingMessage) => String(request.headers['x-caller']);
    const host = await started(framework, { address });
    const query =
      'mutation { createApiKey(input: { name: "k", scopes: ["read:people"], allowedAddresses: ["198.51.100.7"] }) { token } }';
    const { token } = (await host.post('/admin/graphql', { query })).body.data.createApiKey;
    const from = async (caller: string) =>
      (await host.post('/admin/graphql', { query: '{ viewer { scopes } }' }, token, { 'x-caller': caller })).status;
    expect([await from('198.51.100.7'), await from('198.51.100.8'), await from('127.0.0.1')]).toEqual([200, 403, 403]);
  });

  test('refuses large bodies, and those of another type', async () => {
    const host = await started(framework);
    const large = await host.post('/admin/graphql', { query: `{ viewer { scopes } } # ${'x'.repeat(1_100_000)}` });
    expect(large.status).toBe(413);
    const text = await host.post('/admin/graphql', { query: '{ viewer { scopes } }' }, host.adminToken, {
      'content-type': 'text/plain',
    });
    expect(text.status).toBe(415);
  });
});

test('reads a body that a JSON parser of Express has already read', async () => {
  const host = await started('express', { parsesBodies: true });
  const { token } = await keyOn(host, ['read:people']);
  expect((await host.post('/admin/graphql', { query: '{ viewer { scopes } }' }, token)).body.data).toEqual({
    viewer: { scopes: ['read:people'] },
  });
  const client = await connect(host, token, `${host.origin}/admin/mcp`);
  expect(await client.tools()).toContain('whoami');
  await client.close();
});

test('refuses a body that nests too deep to be written again', async () => {
  const host = await started('express', { parsesBodies: true });
  const deep = `{"query":"{ viewer { scopes } }","variables":{"a":${'['.repeat(40_000)}${']'.repeat(40_000)}}}`;
  const answer = await fetch(`${host.origin}/admin/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${host.adminToken}` },
    body: deep,
  });
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('nests too deep')]);
  expect((await host.post('/admin/graphql', { query: '{ viewer { scopes } }' })).status).toBe(200);
});

test('cannot be called by pages of other origins, unless they are allowed', async () => {
  const origin = 'https://app.example.com';
  const preflight = async (host: Host) =>
    (
      await fetch(`${host.origin}/admin/graphql`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      })
    ).headers.get('access-control-allow-origin');
  expect(await preflight(await started('node'))).toBeNull();
  const open = await started('node', { corsOrigins: [origin] });
  expect(await preflight(open)).toBe(origin);
});

test('has a clear error for invalid options and for a Latchkey that is not one', async () => {
  const { createAdmin } = await import('../../../src/server/admin/createAdmin.js');
  const host = await started('node');
  for (const [options, message] of [
    [{ path: 'admin' }, 'createAdmin: path'],
    [{ path: '/admin/' }, 'createAdmin: path'],
    [{ path: '/"><script>' }, 'createAdmin: path'],
    [{ endpoint: 'https://example.com/graphql' }, 'createAdmin: endpoint'],
    [{ prefix: '/x' }, 'prefix'],
    [{ context: {} }, 'createAdmin: context'],
  ] as const) {
    await expect(createAdmin(host.latchkey, options as never)).rejects.toThrow(message);
  }
  await expect(createAdmin({ ...host.latchkey })).rejects.toThrow('await createLatchkey');
});
