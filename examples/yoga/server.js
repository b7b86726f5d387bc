// GraphQL Yoga with a guarded schema: node examples/yoga/server.js
import { createServer } from 'node:http';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createYoga } from 'graphql-yoga';
import { createLatchkey, openSqliteStore } from 'latchkey';
import { useLatchkey } from 'latchkey/yoga';

const store = await openSqliteStore({ dir: process.env.DATA_DIR ?? './data' });
const latchkey = await createLatchkey({ store, peppers: ['an-example-pepper-of-32-characters'] });
if (latchkey.firstKey !== null) console.log(`Admin key: ${latchkey.firstKey.token}`);

const typeDefs = 'extend type Query { opening: String! @public orders: [String!]! @auth(scope: "read:orders") }';
const resolvers = { Query: { opening: () => '9 to 5', orders: () => ['A-1', 'A-2'] } };
const executable = { typeDefs: [latchkey.typeDefs, typeDefs], resolvers: [latchkey.resolvers, resolvers] };
const schema = latchkey.guard(makeExecutableSchema(executable));

const guarded = { parserAndValidationCache: false, maxRequestBodySize: false, plugins: [useLatchkey(latchkey)] };
const yoga = createYoga({ schema, ...guarded });
const server = createServer(yoga).listen(Number(process.env.PORT ?? 4001), '127.0.0.1');
server.on('listening', () => console.log(`Listening at http://127.0.0.1:${server.address().port}/graphql`));
