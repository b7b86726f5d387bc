// Apollo Server on Koa.
import { ApolloServer } from '@apollo/server';
import { koaMiddleware } from '@as-integrations/koa';
import { bodyParser } from '@koa/bodyparser';
import Koa from 'koa';
import { apolloOptions } from 'latchkey/apollo';

/** Returns an HTTP server that serves a guarded schema at any path. */
export async function start({ latchkey, schema }, port) {
  const apollo = new ApolloServer(apolloOptions(latchkey, { schema }));
  await apollo.start();
  const app = new Koa();
  // Without this option, an operation in the body of a form would run, too.
  app.use(bodyParser({ enableTypes: ['json'] }));
  app.use(koaMiddleware(apollo, { context: latchkey.context }));
  return app.listen(port, '127.0.0.1');
}
