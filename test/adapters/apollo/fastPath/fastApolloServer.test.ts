import { jest } from '@jest/globals';
import { ApolloServer, HeaderMap, type ApolloServerPlugin, type HTTPGraphQLResponse } from '@apollo/server';
import { apolloOptions, FastApolloServer } from '../../../../src/apollo.js';
import type { LatchkeyContext } from '../../../../src/core/auth/principal.js';
import { createLatchkey, openSqliteStore, type Latchkey } from '../../../../src/index.js';
import { GraphQLScalarType } from 'graphql';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyWith, ownSchema } from '../../../bypass/own.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
let store: Awaited<ReturnType<typeof openSqliteStore>>;
let latchkey: Latchkey;
beforeAll(async () => {
  store = await openSqliteStore({ dir });
  latchkey = await createLatchkey({ store, bcryptCost: 4 });
});
afterAll(async () => {
  await latchkey.close();
  await store.close();
  rmSync(dir, { recursive: true });
});

const optionsWith = (
  more: {
    plugins?: ApolloServerPlugin<LatchkeyContext>[];
    rootValue?: object;
    parseOptions?: { noLocation: boolean };
  } = {},
) => {
  const schema = latchkey.guard(
    ownSchema('type Query { report: String @auth }', { Query: { report: () => 'confidential' } }),
  );
  return apolloOptions<LatchkeyContext>(latchkey, { schema, stopOnTerminationSignals: false, ...more });
};

const principal = keyWith(['read:reports']);
const ask = async (
  server: ApolloServer<LatchkeyContext>,
  fields: Record<string, string>,
  body: object = { query: '{ report }' },
): Promise<HTTPGraphQLResponse> =>
  server.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      ...{ method: 'POST', search: '', body },
      headers: new HeaderMap(Object.entries({ 'content-type': 'application/json', ...fields })),
    },
    context: async () => ({ principal }),
  });

test('runs a known document of a key without Apollo Server, with the same response', async () => {
  const server = new FastApolloServer(optionsWith());
  await server.start();
  const slow = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
  try {
    const key = { authorization: 'Bearer key' };
    const first = await ask(server, key);
    const second = await ask(server, key);
    expect(slow).toHaveBeenCalledTimes(1);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('cache-control')).toBe(first.headers.get('cache-control'));
    expect(second.headers.get('ratelimit-policy')).toBe(first.headers.get('ratelimit-policy'));
    // Requests without a key, or for another response type, need Apollo Server's checks.
    await ask(server, {});
    await ask(server, { ...key, accept: 'multipart/mixed' });
    expect(slow).toHaveBeenCalledTimes(3);
  } finally {
    await server.stop();
  }
});

test('runs documents without locations', async () => {
  const server = new FastApolloServer(optionsWith({ parseOptions: { noLocation: true } }));
  await server.start();
  try {
    const responses = [
      await ask(server, { authorization: 'Bearer key' }),
      await ask(server, { authorization: 'Bearer key' }),
    ];
    const body = { kind: 'complete', string: '{"data":{"report":"confidential"}}\n' };
    expect(responses.map((response) => response.body)).toEqual([body, body]);
  } finally {
    await server.stop();
  }
});

test('runs a known document of Apollo Client, with the type that it accepts', async () => {
  const server = new FastApolloServer(optionsWith());
  await server.start();
  const slow = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest').mockClear();
  try {
    const fields = {
      authorization: 'Bearer key',
      accept: 'application/graphql-response+json,application/json;q=0.9',
    };
    const first = await ask(server, fields);
    const second = await ask(server, fields);
    expect(slow).toHaveBeenCalledTimes(1);
    expect(second.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
    expect([second.headers.get('content-type'), second.body]).toEqual([first.headers.get('content-type'), first.body]);
  } finally {
    await server.stop();
  }
});

test('reads the variables of a known document twice: to check them, and to execute the operation', async () => {
  const read = jest.fn((value: unknown) => value);
  const schema = latchkey.guard(
    ownSchema('scalar Even type Query { half(of: Even!): String @auth }', {
      Query: { half: () => 'done' },
      Even: new GraphQLScalarType({ name: 'Even', parseValue: read }),
    }),
  );
  const server = new FastApolloServer(
    apolloOptions<LatchkeyContext>(latchkey, { schema, stopOnTerminationSignals: false }),
  );
  await server.start();
  try {
    const body = { query: 'query ($of: Even!) { half(of: $of) }', variables: { of: 4 } };
    await ask(server, { authorization: 'Bearer key' }, body);
    read.mockClear();
    expect((await ask(server, { authorization: 'Bearer key' }, body)).body).toMatchObject({
      string: '{"data":{"half":"done"}}\n',
    });
    expect(read).toHaveBeenCalledTimes(2);
  } finally {
    await server.stop();
  }
});

test.each([
  [
    'a plugin with requestDidStart',
    { plugins: [{ requestDidStart: async () => ({}) }] },
    'a plugin has requestDidStart',
  ],
  ['a root value', { rootValue: {} }, 'would not use rootValue'],
])('does not start with %s', (_, more, message) => {
  expect(() => new FastApolloServer(optionsWith(more))).toThrow(message);
});

test('starts with a plugin that has only serverWillStart', async () => {
  const started: string[] = [];
  const server = new FastApolloServer(
    optionsWith({ plugins: [{ serverWillStart: async () => void started.push('yes') }] }),
  );
  await server.start();
  expect(started).toEqual(['yes']);
  await server.stop();
});

test('does not start without the plugin of Latchkey', () => {
  const { schema } = optionsWith();
  expect(() => new FastApolloServer({ schema })).toThrow("Latchkey's plugin is missing");
});

test('does not start beside a plugin that was added later', async () => {
  const server = new FastApolloServer(optionsWith());
  server.addPlugin({ requestDidStart: async () => ({}) });
  await expect(server.start()).rejects.toThrow('a plugin has requestDidStart');
});
