import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { graphql, type GraphQLSchema } from 'graphql';
import {
  createLatchkey,
  openSqliteStore,
  type Latchkey,
  type LatchkeyOptions,
  type Store,
} from '../../../src/index.js';
import { startOwnApollo } from '../../e2e/ownApollo.js';

/**
 * By a name that the compiler does not resolve: the types of its packages replace those of `fetch` in the whole
 * project.
 */
const YOGA = 'graphql-yoga';
const { createYoga } = (await import(YOGA)) as {
  createYoga: (options: {
    schema: GraphQLSchema;
    logging: boolean;
    context: (initial: { request: Request }) => Promise<object>;
  }) => RequestListener;
};

const dir = mkdtempSync(join(tmpdir(), 'latchkey-served-'));
let store: Store;
let made: Latchkey[] = [];
let ran = 0;
const warned = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
const warnings = () => warned.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('Latchkey'));

beforeAll(async () => {
  store = await openSqliteStore({ dir });
});
beforeEach(() => {
  warned.mockClear();
  ran = 0;
});
afterEach(async () => {
  for (const latchkey of made) await latchkey.close();
  made = [];
});
afterAll(async () => {
  await store.close();
  warned.mockRestore();
  rmSync(dir, { recursive: true, force: true });
});

async function guarded(options: Partial<LatchkeyOptions> = {}, how?: { plugin?: boolean }) {
  const latchkey = await createLatchkey({ store, bcryptCost: 4, adminApiKey: KEY, ...options });
  made.push(latchkey);
  const typeDefs = [
    latchkey.typeDefs,
    'extend type Query { orders: Int @auth(scope: "read:orders") open: Int @public }',
  ];
  const own = { Query: { orders: () => (ran += 1), open: () => 1 } };
  const schema = makeExecutableSchema({ typeDefs, resolvers: [latchkey.resolvers, own] });
  return { latchkey, schema: latchkey.guard(schema, how) };
}

const KEY = 'an-operators-key-of-tests-0123456789-abcdef';
const principalOf = (latchkey: Latchkey, token: string | null) =>
  latchkey.authenticate({ headers: token === null ? {} : { authorization: `Bearer ${token}` } });
const ask = async (latchkey: Latchkey, schema: GraphQLSchema, source: string, token: string | null = KEY) =>
  graphql({ schema, source, contextValue: { principal: await principalOf(latchkey, token) } });

test('U3: the guard works on GraphQL Yoga, and one warning names the missing features', async () => {
  const { latchkey, schema } = await guarded();
  const yoga = createYoga({
    schema,
    logging: false,
    context: async ({ request }) => ({
      principal: await latchkey.authenticate({
        headers: Object.fromEntries(request.headers),
      }),
    }),
  });
  const server = createServer(yoga).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const query = async (token: string | null) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query: '{ orders }' }),
    });
    return (await response.json()) as { data: unknown; errors?: { extensions: { code: string } }[] };
  };
  try {
    const refused = await query(null);
    expect([refused.errors?.[0]?.extensions.code, ran]).toEqual(['UNAUTHENTICATED', 0]);
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatch(
      /rate limits, cost limits, RateLimit header fields, HTTP status codes.*apolloOptions.*plugin: false/,
    );
    expect(await query(KEY)).toEqual({ data: { orders: 1 } });
    expect(await query(KEY)).toEqual({ data: { orders: 2 } });
    expect(warnings()).toHaveLength(1);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('U3: each guarded schema warns once, and a field without a rule does not', async () => {
  for (let i = 0; i < 2; i += 1) {
    const { latchkey, schema } = await guarded();
    await ask(latchkey, schema, '{ open }');
    expect(warnings()).toHaveLength(i);
    await ask(latchkey, schema, '{ orders a: orders viewer { scopes } }');
    await ask(latchkey, schema, '{ orders }', null);
    expect(warnings()).toHaveLength(i + 1);
  }
});

test('U3: the warning goes to the log of createLatchkey, with the context', async () => {
  const logged: unknown[] = [];
  const { latchkey, schema } = await guarded({
    log: (error, context) => logged.push([String(error), context.principal.kind]),
  });
  await ask(latchkey, schema, '{ orders }');
  await ask(latchkey, schema, '{ orders }');
  expect(logged).toEqual([[expect.stringContaining('without an adapter of Latchkey'), 'operator']]);
  expect(warnings()).toEqual([]);
});

test('U3: guard with plugin: false does not warn, and still guards', async () => {
  const { latchkey, schema } = await guarded({}, { plugin: false });
  expect((await ask(latchkey, schema, '{ orders }', null)).errors).toHaveLength(1);
  expect([(await ask(latchkey, schema, '{ orders }')).data, ran]).toEqual([{ orders: 1 }, 1]);
  expect(warnings()).toEqual([]);
});

test('U3: Apollo Server with the plugin does not warn', async () => {
  const own = await startOwnApollo({
    typeDefs: 'extend type Query { orders: Int @auth(scope: "admin") }',
    resolvers: { Query: { orders: () => 1 } },
  });
  try {
    expect((await own.query('{ orders }')).body).toEqual({ data: { orders: 1 } });
    expect([warnings(), own.logged]).toEqual([[], []]);
  } finally {
    await own.close();
  }
});
