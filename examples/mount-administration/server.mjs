// Your own schema on Express and GraphQL Yoga, with Latchkey's administration next to it.
import { makeExecutableSchema } from '@graphql-tools/schema';
import express from 'express';
import { createYoga } from 'graphql-yoga';
import { createLatchkey, directiveTypeDefs, openSqliteStore } from 'latchkey';
import { mountAdmin } from 'latchkey/express';
import { useLatchkey } from 'latchkey/yoga';

const { DATA_DIR = './data', PORT = '4001' } = process.env;
const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: DATA_DIR }) });
if (latchkey.firstKey !== null) console.log(`Admin key: ${latchkey.firstKey.token}`);

const typeDefs = /* GraphQL */ `
  type Query {
    viewer: User @auth
    users: [User!]! @auth(scope: "read:people")
  }
  type User {
    name: String!
  }
`;
const users = [{ name: 'Ada' }];
const resolvers = { Query: { viewer: () => users[0], users: () => users } };
const schema = latchkey.guard(makeExecutableSchema({ typeDefs: [directiveTypeDefs(), typeDefs], resolvers }));

const app = express();
await mountAdmin(app, latchkey);
app.use(
  '/graphql',
  createYoga({ schema, parserAndValidationCache: false, maxRequestBodySize: false, plugins: [useLatchkey(latchkey)] }),
);
app.listen(Number(PORT), '127.0.0.1', () => console.log(`Dashboard at http://127.0.0.1:${PORT}/admin/dashboard/`));
