import { ApolloServer, HeaderMap, type ApolloServerPlugin, type BaseContext } from '@apollo/server';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chosenType } from '../../../src/adapters/apollo/responseType.js';
import { apolloOptions } from '../../../src/apollo.js';
import { createLatchkey, type LatchkeyContext } from '../../../src/index.js';
import { keyWith, ownSchema } from '../../bypass/own.js';
import { openStoreHere } from '../../support/storeHere.js';

const URQL =
  'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed';

const ACCEPTED = [
  ...['', '*/*', 'application/json', 'application/graphql-response+json'],
  'application/graphql-response+json,application/json',
  'application/graphql-response+json,application/json;q=0.9',
  URQL,
];

async function typeOf<Context extends BaseContext>(
  server: ApolloServer<Context>,
  accept: string | null,
  context: Context,
): Promise<string | undefined> {
  const fields = { 'content-type': 'application/json', ...(accept !== null && { accept }) };
  const { headers } = await server.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      ...{ method: 'POST', search: '', body: { query: '{ report }' } },
      headers: new HeaderMap(Object.entries(fields)),
    },
    context: async () => context,
  });
  return headers.get('content-type');
}

const resolvers = { Query: { report: () => 'confidential' } };

test.each([null, ...ACCEPTED])('chooses the type of Apollo Server for Accept: %s', async (accept) => {
  const server = new ApolloServer({
    schema: ownSchema('type Query { report: String }', resolvers),
    stopOnTerminationSignals: false,
  });
  await server.start();
  expect(chosenType(accept ?? undefined)).toBe(await typeOf(server, accept, {}));
  await server.stop();
});

test('sets the type before other plugins see the response, and leaves unusual Accept fields to Apollo Server', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const store = await openStoreHere(dir);
  const latchkey = await createLatchkey({ store, bcryptCost: 4 });
  const seen: (string | undefined)[] = [];
  const later: ApolloServerPlugin = {
    requestDidStart: async () => ({
      willSendResponse: async ({ response }) => void seen.push(response.http.headers.get('content-type')),
    }),
  };
  const schema = latchkey.guard(ownSchema('type Query { report: String @auth }', resolvers));
  const server = new ApolloServer(
    apolloOptions<LatchkeyContext>(latchkey, { schema, plugins: [later], stopOnTerminationSignals: false }),
  );
  await server.start();
  const context = { principal: keyWith(['read:reports']) };
  const sent = [await typeOf(server, '*/*', context), await typeOf(server, 'application/json;q=0.5', context)];
  expect(sent).toEqual(['application/json; charset=utf-8', 'application/json; charset=utf-8']);
  expect(seen).toEqual(['application/json; charset=utf-8', undefined]);
  await server.stop();
  await latchkey.close();
  await store.close();
  rmSync(dir, { recursive: true });
});
