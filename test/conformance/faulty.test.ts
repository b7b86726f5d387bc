import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { apolloOptions } from '../../src/apollo.js';
import { conformance, type ConformanceServer } from '../../src/conformance.js';
import { ANONYMOUS, type LatchkeyContext } from '../../src/index.js';

type Start = (given: ConformanceServer) => { server: ApolloServer<LatchkeyContext>; context: never };

/** Returns the names of the cases that a faulty server fails, of those that match. */
async function failing(pattern: RegExp, start: Start): Promise<string[]> {
  const cases = conformance({
    async start(given) {
      const { server, context } = start(given);
      const { url } = await startStandaloneServer(server, { context, listen: { port: 0, host: '127.0.0.1' } });
      return { url, close: () => server.stop() };
    },
    exceptions: ['NO_STREAMS', 'UNCOUNTED_REQUESTS'],
  });
  const failed: string[] = [];
  for (const { name, run } of cases.filter((each) => pattern.test(each.name))) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

const withoutPlugin: Start = ({ schema, latchkey }) => ({
  server: new ApolloServer<LatchkeyContext>({
    schema,
    plugins: [ApolloServerPluginCacheControlDisabled()],
    introspection: true,
  }),
  context: latchkey.context as never,
});

test('the suite rejects a server whose schema is guarded, but that has no plugin', async () => {
  const failed = await failing(
    /^(B05 a root|B16|B28|B37|B38|B42 a caller|accepts a key as X-API-Key$|errors of many)/,
    withoutPlugin,
  );
  expect(failed).toEqual([
    'B05 a root field without a directive: the server does not start',
    'B16 a resolver added after the guard: the server does not start until the schema is guarded again',
    'B28 a mutation with a refused field behind an allowed one: neither runs',
    'accepts a key as X-API-Key',
    'B38 a batch is refused entirely, and counts as one request',
    'B37 concurrent requests: exactly the burst is admitted',
    'B37 the cost of aliases, fragments and mutations is counted',
    'B42 a caller without introspection learns no names from errors of the document',
    'B42 a caller without introspection learns no names from errors of variables',
    'errors of many fields: at most 20 are sent',
  ]);
});

test('the suite rejects a server that does not authenticate', async () => {
  const failed = await failing(/^(a malformed key|a revoked|B21|B30 a revoked)/, ({ schema, latchkey }) => ({
    server: new ApolloServer<LatchkeyContext>(apolloOptions(latchkey, { schema })),
    context: (async () => ({ principal: ANONYMOUS })) as never,
  }));
  expect(failed).toEqual([
    "B21 an alias: the field's name decides",
    'B30 a revoked key is refused at the next request',
    'a malformed key: 401 invalid_token, even for public fields',
    'a revoked key: 401 invalid_token, even for public fields',
  ]);
});
