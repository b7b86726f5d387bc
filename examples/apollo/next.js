// Apollo Server in a route handler of Next.js: app/api/graphql/route.js.
import { ApolloServer } from '@apollo/server';
import { startServerAndCreateNextHandler } from '@as-integrations/next';
import { apolloOptions } from 'latchkey/apollo';

/** Returns the handler to export from the route, as GET and as POST. */
export function createHandler({ latchkey, schema }) {
  const apollo = new ApolloServer(apolloOptions(latchkey, { schema }));
  return startServerAndCreateNextHandler(apollo, { context: latchkey.context });
}
