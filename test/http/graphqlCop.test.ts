import { TIER_LIMITS } from '../../src/limits/tiers.js';
import { answerOf, startService, type Answer, type TestService } from '../support/service.js';

/** The checks of graphql-cop, without a key and with the default settings: each asks as the tool does, and finds nothing. */
let latchkey: TestService;
beforeAll(async () => void (latchkey = await startService({ env: { INTROSPECTION: undefined }, tiers: TIER_LIMITS })));
afterAll(() => latchkey.close());

async function post(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  return answerOf(await fetch(latchkey.url, init));
}

test('graphql-cop: alias overloading is refused', async () => {
  const aliases = Array.from({ length: 101 }, (_, i) => `alias${i}: __typename`).join(' ');
  const { status, body } = await post({ query: `query cop { ${aliases} }` });
  expect([status, body.data]).toEqual([400, undefined]);
});

test('graphql-cop: batches are refused', async () => {
  const { status, body } = await post(Array.from({ length: 10 }, () => ({ query: 'query cop { __typename }' })));
  expect([status, Array.isArray(body)]).toEqual([400, false]);
});

test('graphql-cop: directive overloading is refused with one short error', async () => {
  const { body, text } = await post({ query: `query cop { __typename ${'@aa'.repeat(10)} }` });
  expect(body.data).toBeUndefined();
  // The tool looks for one error for each directive.
  expect(body.errors.length).toBeLessThan(10);
  expect(text.length).toBeLessThan(3_000);
});

test('graphql-cop: circular introspection is refused', async () => {
  const query =
    'query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }';
  const { status, body } = await post({ query });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(body.data).toBeUndefined();
});

test('graphql-cop: a field that is repeated 500 times is refused', async () => {
  const { body } = await post({ query: `query cop { ${'__typename \n'.repeat(500)} }` });
  expect(body.data).toBeUndefined();
});

test('graphql-cop: no field is suggested', async () => {
  for (const query of ['query cop { __schema { directive } }', 'query cop { viewr { id } }', 'query cop { tier }']) {
    const { text, body } = await post({ query });
    expect(body.data).toBeUndefined();
    expect(text).not.toMatch(/did you mean/i);
  }
});

test.each(['query cop { __typename }', 'mutation cop { __typename }'])(
  'graphql-cop: a page cannot send %s by GET or as a form',
  async (query) => {
    const byGet = await answerOf(await fetch(`${latchkey.url}?query=${encodeURIComponent(query)}`));
    expect([byGet.status >= 400, byGet.body.data]).toEqual([true, undefined]);
    const asForm = await answerOf(await fetch(latchkey.url, { method: 'POST', body: new URLSearchParams({ query }) }));
    expect([asForm.status >= 400, asForm.body.data]).toEqual([true, undefined]);
  },
);

test('graphql-cop: GraphiQL is at no other address than /graphql, where it holds neither key nor schema', async () => {
  const headers = { accept: 'text/html' };
  for (const path of ['/graphiql', '/playground', '/console', '/graphql/console', '/altair', '/v1/graphql']) {
    expect((await fetch(latchkey.origin + path, { headers })).status).toBe(404);
  }
  const html = await (await fetch(latchkey.url, { headers })).text();
  expect(html).not.toContain('createApiKey');
});

test('graphql-cop: introspection needs a key', async () => {
  const { status, body } = await post({ query: 'query cop { __schema { types { name fields { name } } } }' });
  expect([status, body.data]).toEqual([401, undefined]);
  expect((await latchkey.query('{ __schema { queryType { name } } }')).status).toBe(200);
});

test('graphql-cop: there is no trace mode', async () => {
  const { text, body } = await post(
    { query: 'query cop { __typename }' },
    { 'apollo-tracing': '1', 'x-apollo-tracing': '1' },
  );
  expect(body).toEqual({ data: { __typename: 'Query' } });
  expect(text).not.toMatch(/tracing|duration|startTime/);
});

test('graphql-cop: errors hold neither a stack nor a cause', async () => {
  for (const query of ['qwerty cop { abc }', 'query cop { __typename', '{ nothing }', '{ viewer { scopes } }']) {
    const { text, body } = await post({ query });
    expect(body.errors[0].extensions.code).not.toBe('INTERNAL_SERVER_ERROR');
    expect(text).not.toMatch(/exception|stacktrace|node_modules|at \w+ \(/i);
  }
});
