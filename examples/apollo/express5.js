// Apollo Server on Express 5.
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { apolloOptions } from 'latchkey/apollo';

/** Returns an HTTP server that serves a guarded schema at /graphql. */
export async function start({ latchkey, schema }, port) {
  const apollo = new ApolloServer(apolloOptions(latchkey, { schema }));
  await apollo.start();
  const app = express();
  app.use('/graphql', express.json(), expressMiddleware(apollo, { context: latchkey.context }));
  return app.listen(port, '127.0.0.1');
}
