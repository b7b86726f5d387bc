import { POLICY, startGateway, UNLIMITED, type TestGateway } from '../../support/gateway.js';
import { UPSTREAMS, type Started } from './upstreams.js';

describe.each(Object.keys(UPSTREAMS))('%s', (name) => {
  let upstream: Started;
  let gateway: TestGateway;
  let token: string;
  beforeAll(async () => {
    upstream = await (UPSTREAMS[name] as () => Promise<Started>)();
    const policy = name === 'graphql-core of Python' ? POLICY.replace(/Subscription.*\n/, '') : POLICY;
    gateway = await startGateway(upstream.url, { policy, tiers: UNLIMITED });
    token = await gateway.key('read:orders', 'write:orders');
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });
  const query = (text: string, variables = {}) => gateway.query(text, { token, variables });

  test('its schema is read, with the rules of the policy', async () => {
    const { body } = await query('{ __type(name: "Order") { fields { name description } } }');
    expect(body.data.__type.fields).toEqual([
      { name: 'id', description: null },
      { name: 'total', description: null },
      { name: 'margin', description: 'Requires `read:margins`.' },
    ]);
  });

  test('queries and mutations with variables run there', async () => {
    const one = 'query One($id: ID!) { order(id: $id) { ...parts } } fragment parts on Order { id total }';
    expect((await query(one, { id: '2' })).body.data).toEqual({ order: { id: '2', total: 21 } });
    expect((await query('mutation { cancel(id: 1) { id } }')).body.data).toEqual({ cancel: { id: '1' } });
    expect((await gateway.query('{ health }', { token: null })).body.data).toEqual({ health: 'ok' });
  });

  test('refused operations do not reach it', async () => {
    expect((await query('{ orders { margin } }')).status).toBe(403);
    expect((await query('{ internal }')).status).toBe(400);
    expect((await gateway.query('{ orders { id } }', { token: null })).status).toBe(401);
  });

  test('MCP runs operations there', async () => {
    const response = await fetch(`${gateway.origin}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
        params: { name: 'run_query', arguments: { document: '{ orders(first: 1) { total } }' } },
      }),
    });
    expect(await response.text()).toContain('10.5');
  });
});

test('an upstream in Python gets the principal once, whatever the caller sends', async () => {
  const upstream = await (UPSTREAMS['graphql-core of Python'] as () => Promise<Started>)();
  const gateway = await startGateway(upstream.url, { policy: POLICY.replace(/Subscription.*\n/, '') });
  try {
    // WSGI gives both fields the same name.
    const headers = { latchkey_principal: 'forged', 'latchkey-principal': 'forged' };
    const { body } = await gateway.query('{ health }', { token: null, headers });
    expect(body.extensions).toEqual({ latchkey_principal: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) });
  } finally {
    await gateway.close();
    await upstream.close();
  }
});
