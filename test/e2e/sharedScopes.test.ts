import { setImmediate as turn } from 'node:timers/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createLatchkey } from '../../src/latchkey.js';
import type { Latchkey } from '../../src/assembly/libraryApi.js';
import { openSqliteStore } from '../../src/core/store/sqlite/open.js';
import type { PublishedScope } from '../../src/core/store/records.js';
import type { Store } from '../../src/core/store/store.js';
import { runFile } from '../support/child.js';
import { startService, type TestService } from '../support/service.js';
import { until } from '../support/until.js';
import { attempt, refusalOf } from './operations.js';

const dirs: string[] = [];
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

/** Starts a service whose store other processes can use too. */
async function serviceOn(env: Readonly<Record<string, string>> = {}): Promise<TestService & { readonly dir: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-scopes-'));
  dirs.push(dir);
  const service = await startService({ dataDir: dir, env: { MONGODB_URI: undefined, ...env } });
  closing.push(() => service.close());
  return Object.assign(service, { dir });
}

async function libraryOn(dir: string, scope: string): Promise<{ latchkey: Latchkey; store: Store }> {
  const store = await openSqliteStore({ dir });
  const latchkey = await createLatchkey({ store, actions: ['cancel'] });
  closing.push(async () => {
    await latchkey.close();
    await store.close();
  });
  const typeDefs = `extend type Query { orders: [String!]! @auth(scope: "${scope}") }`;
  latchkey.guard(makeExecutableSchema({ typeDefs: [latchkey.typeDefs, typeDefs], resolvers: latchkey.resolvers }));
  // Closing waits for the publication.
  await latchkey.close();
  return { latchkey, store };
}

const scopesOf = async (service: TestService) => {
  const { body } = await service.query('{ scopes { scope opens } }');
  return new Map<string, readonly string[]>(body.data.scopes.map(({ scope, opens }: PublishedScope) => [scope, opens]));
};

test('the service learns the scopes of a server in another process on its store', async () => {
  const service = await serviceOn({ DEMO: 'off' });
  const wanted = { name: 'shop', scopes: ['read:orders'] };
  expect(refusalOf(await attempt(service, 'createApiKey', wanted, service.adminToken))).toMatchObject({
    code: 'BAD_USER_INPUT',
    known: expect.not.arrayContaining(['read:orders']),
  });

  const child = runFile('examples/own-schema/server.js', { PORT: '0', DATA_DIR: service.dir });
  closing.push(() => child.stop('SIGTERM'));
  const [, url = ''] = await child.waitFor(/Orders at (\S+)/);
  const created = await until(async () => {
    const answer = await attempt(service, 'createApiKey', wanted, service.adminToken);
    return answer.body.errors === undefined && answer;
  });
  const { token } = created.body.data.createApiKey;
  const orders = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ orders { id } }' }),
  });
  expect(await orders.json()).toEqual({ data: { orders: [{ id: 'A-1' }] } });
  expect((await scopesOf(service)).get('read:orders')).toContain('Query.orders');
  expect((await scopesOf(service)).get('read:users')).toEqual(['Query.user', 'Query.users']);
});

test('the service accepts a scope with an action that only the other schema has', async () => {
  const service = await serviceOn();
  await libraryOn(service.dir, 'cancel:orders');
  const created = await attempt(service, 'createApiKey', { name: 'x', scopes: ['cancel:orders'] }, service.adminToken);
  expect(created.body.errors).toBeUndefined();
  const { id } = created.body.data.createApiKey.apiKey;
  await libraryOn(service.dir, 'cancel:invoices');
  const updated = await attempt(service, 'updateApiKey', { id, scopes: ['cancel:invoices'] }, service.adminToken);
  expect(updated.body.data.updateApiKey.apiKey.scopes).toEqual(['cancel:invoices']);
});

test('requests that want no unknown scope read nothing about schemas', async () => {
  const service = await serviceOn();
  const { store } = service.service;
  while ((await store.guardedSchemas.list(0, 1)).length === 0) await turn();
  const reads: string[] = [];
  const list = store.guardedSchemas.list.bind(store.guardedSchemas);
  store.guardedSchemas.list = async (...given) => {
    reads.push('list');
    return list(...given);
  };
  await service.query('{ viewer { scopes } apiKeys { nodes { id } } }');
  await attempt(service, 'createApiKey', { name: 'x', scopes: ['read:assets'] }, service.adminToken);
  expect(reads).toEqual([]);
});
