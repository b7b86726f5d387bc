/**
 * Replaces graphql-js' `execute` before any other module imports it, as OpenTelemetry does, and prints the number of its calls after each of
 * three equal requests: `node replacedExecute.ts <directory>`. In a separate process, because other tests share the module.
 */
import execution from 'graphql/execution/execute.js';

const [dir = ''] = process.argv.slice(2);
let executions = 0;
const { execute } = execution;
Object.assign(execution, {
  execute(...given: Parameters<typeof execute>) {
    executions += 1;
    return execute(...given);
  },
});
const { ApolloServer, HeaderMap } = await import('@apollo/server');
const { createLatchkey, directiveTypeDefs, openSqliteStore } = await import('../../../src/index.js');
const { apolloOptions } = await import('../../../src/apollo.js');
const { makeExecutableSchema } = await import('@graphql-tools/schema');

const store = await openSqliteStore({ dir });
const latchkey = await createLatchkey({ store, bcryptCost: 4, log: () => undefined });
const schema = latchkey.guard(
  makeExecutableSchema({
    typeDefs: [directiveTypeDefs(), 'type Query { one: Int @public }'],
    resolvers: { Query: { one: () => 1 } },
  }),
);
const server = new ApolloServer(apolloOptions(latchkey, { schema, stopOnTerminationSignals: false }));
await server.start();
const headers = new HeaderMap([['content-type', 'application/json']]);
for (let i = 1; i <= 3; i += 1) {
  await server.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method: 'POST', search: '', headers, body: { query: '{ one }' } },
    context: () => latchkey.context({ headers: {} }),
  });
  console.log(executions);
}
await server.stop();
await latchkey.close();
await store.close();
