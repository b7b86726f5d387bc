// Apollo Server on Fastify 5.
import { ApolloServer } from '@apollo/server';
import fastifyApollo from '@as-integrations/fastify';
import fastify from 'fastify';
import { apolloOptions } from 'latchkey/apollo';

/** Returns an HTTP server that serves a guarded schema at /graphql. */
export async function start({ latchkey, schema }, port) {
  const apollo = new ApolloServer(apolloOptions(latchkey, { schema }));
  await apollo.start();
  const app = fastify();
  await app.register(fastifyApollo(apollo), { context: latchkey.context });
  await app.listen({ port, host: '127.0.0.1' });
  return app.server;
}
