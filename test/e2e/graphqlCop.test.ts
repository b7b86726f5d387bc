import { TIER_LIMITS } from '../../src/core/limits/tiers.js';
import { answerOf, startService, type Answer, type TestService } from '../support/service.js';

/**
 * The checks of graphql-cop, without a key and with the default settings: each sends what the tool sends, and finds
 * nothing.
 */
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

test('graphql-cop: suggests no fields', async () => {
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

test('graphql-cop: GraphiQL is only at /graphql, without key and schema', async () => {
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

test('graphql-cop: errors contain neither a stack nor a cause', async () => {
  for (const query of ['qwerty cop { abc }', 'query cop { __typename', '{ nothing }', '{ viewer { scopes } }']) {
    const { text, body } = await post({ query });
    expect(body.errors[0].extensions.code).not.toBe('INTERNAL_SERVER_ERROR');
    expect(text).not.toMatch(/exception|stacktrace|node_modules|at \w+ \(/i);
  }
});

/**
 * Every check of graphql-cop, by its title and with the request of the tool. `finds`: whether the tool reports the
 * response.
 */
interface Check {
  readonly title: string;
  readonly ask: (url: string) => Promise<Answer>;
  readonly finds: (answer: Answer) => boolean;
}

const cop = (query: string) => (url: string) => sendTo(url, { query, operationName: 'cop' });
const hasTypename = ({ body }: Answer): boolean => Boolean(body?.data?.__typename);

async function sendTo(url: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return answerOf(await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }));
}

const CHECKS: readonly Check[] = [
  {
    title: 'Alias Overloading',
    ask: cop(`query cop { ${Array.from({ length: 101 }, (_, i) => `alias${i}: __typename`).join(' ')} }`),
    finds: ({ body }) => Boolean(body?.data?.alias100),
  },
  {
    title: 'Array-based Query Batching',
    ask: (url) =>
      sendTo(
        url,
        Array.from({ length: 10 }, () => ({ query: 'query cop { __typename }' })),
      ),
    // The tool takes the length of whatever JSON it gets.
    finds: ({ body }) => (Array.isArray(body) ? body.length : Object.keys(body as object).length) >= 10,
  },
  {
    title: 'Introspection-based Circular Query',
    ask: cop(
      'query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }',
    ),
    finds: ({ body }) => (body?.data?.__schema?.types?.length ?? 0) > 25,
  },
  {
    title: 'Directive Overloading',
    ask: cop(`query cop { __typename ${'@aa'.repeat(10)} }`),
    finds: ({ body }) => body?.errors?.length === 10,
  },
  {
    title: 'Field Duplication',
    ask: cop(`query cop { ${'__typename '.repeat(500)} }`),
    finds: hasTypename,
  },
  {
    title: 'Field Suggestions',
    ask: cop('query cop { __schema { directive } }'),
    finds: ({ body }) => String(body?.errors?.[0]?.message).includes('Did you mean'),
  },
  {
    title: 'Mutation is allowed over GET (possible CSRF)',
    ask: async (url) => answerOf(await fetch(`${url}?query=${encodeURIComponent('mutation cop {__typename}')}`)),
    finds: hasTypename,
  },
  {
    title: 'GET Method Query Support',
    ask: async (url) => answerOf(await fetch(`${url}?query=${encodeURIComponent('query cop {__typename}')}`)),
    finds: hasTypename,
  },
  {
    title: 'GraphQL IDE',
    ask: async (url) => answerOf(await fetch(url, { headers: { accept: 'text/html' } })),
    finds: ({ text }) => /graphiql\.min\.css|GraphQL Playground|GraphiQL|graphql-playground/.test(text),
  },
  {
    title: 'Introspection',
    ask: cop('query cop { __schema { types { name fields { name } } } }'),
    finds: ({ body }) => Boolean(body?.data?.__schema?.types),
  },
  {
    title: 'POST based url-encoded query (possible CSRF)',
    ask: async (url) =>
      answerOf(await fetch(url, { method: 'POST', body: new URLSearchParams({ query: 'query cop { __typename }' }) })),
    finds: hasTypename,
  },
  {
    title: 'Trace Mode',
    ask: cop('query cop { __typename }'),
    finds: ({ body }) => Boolean(body?.errors?.[0]?.extensions?.tracing) || body?.extensions?.tracing !== undefined,
  },
  {
    title: 'Unhandled Errors Detection',
    ask: cop('qwerty cop { abc }'),
    finds: ({ body }) => Boolean(body?.errors?.[0]?.extensions?.exception),
  },
];

const found = async (url: string): Promise<string[]> => {
  const titles: string[] = [];
  for (const { title, ask, finds } of CHECKS) {
    const answer = await ask(url);
    if (answer.status === 429) throw new Error(`${title} was not judged.`);
    if (finds(answer)) titles.push(title);
  }
  return titles;
};

test('R5: graphql-cop finds only the GraphQL IDE without a key', async () => {
  const closed = await startService({ env: { INTROSPECTION: undefined }, tiers: TIER_LIMITS });
  try {
    expect(await found(closed.url)).toEqual(['GraphQL IDE']);
  } finally {
    await closed.close();
  }
});

test('R5: with INTROSPECTION=on graphql-cop additionally finds only introspection', async () => {
  const open = await startService({ env: { INTROSPECTION: 'on' }, tiers: TIER_LIMITS });
  try {
    // Suggesting names is a part of INTROSPECTION=on.
    const allowed = ['Introspection-based Circular Query', 'Field Suggestions', 'GraphQL IDE', 'Introspection'];
    const titles = await found(open.url);
    expect(titles.filter((title) => !allowed.includes(title))).toEqual([]);
    expect(titles).toContain('Introspection');
  } finally {
    await open.close();
  }
});
