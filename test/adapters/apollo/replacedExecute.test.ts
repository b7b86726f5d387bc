import execution from 'graphql/execution/execute.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Replaces graphql-js' `execute` before any other module imports it, as OpenTelemetry does. */
let executions = 0;
const { execute } = execution;
Object.assign(execution, {
  execute(...given: Parameters<typeof execute>) {
    executions += 1;
    return execute(...given);
  },
});
const { ApolloServer, HeaderMap } = await import('@apollo/server');
const { createLatchkey, openSqliteStore } = await import('../../../src/index.js');
const { apolloOptions } = await import('../../../src/apollo.js');
const { ownSchema } = await import('../../bypass/own.js');

const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('calls a replaced execute of graphql-js for each request, also of a known document', async () => {
  const store = await openSqliteStore({ dir });
  const latchkey = await createLatchkey({ store, bcryptCost: 4, log: () => undefined });
  const schema = latchkey.guard(ownSchema('type Query { one: Int @public }', { Query: { one: () => 1 } }));
  const server = new ApolloServer(apolloOptions(latchkey, { schema, stopOnTerminationSignals: false }));
  await server.start();
  const headers = new HeaderMap([['content-type', 'application/json']]);
  for (let i = 1; i <= 3; i += 1) {
    await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: 'POST', search: '', headers, body: { query: '{ one }' } },
      context: () => latchkey.context({ headers: {} }),
    });
    expect(executions).toBe(i);
  }
  await server.stop();
  await latchkey.close();
  await store.close();
});
