// Mercurius with a guarded schema: node examples/mercurius/server.js
import { makeExecutableSchema } from '@graphql-tools/schema';
import fastify from 'fastify';
import { createLatchkey, openSqliteStore } from 'latchkey';
import { latchkeyMercurius } from 'latchkey/mercurius';

const store = await openSqliteStore({ dir: process.env.DATA_DIR ?? './data' });
const latchkey = await createLatchkey({ store, peppers: ['an-example-pepper-of-32-characters'] });
if (latchkey.firstKey !== null) console.log(`Admin key: ${latchkey.firstKey.token}`);

const typeDefs = 'extend type Query { opening: String! @public orders: [String!]! @auth(scope: "read:orders") }';
const resolvers = { Query: { opening: () => '9 to 5', orders: () => ['A-1', 'A-2'] } };
const executable = { typeDefs: [latchkey.typeDefs, typeDefs], resolvers: [latchkey.resolvers, resolvers] };
const schema = latchkey.guard(makeExecutableSchema(executable));

const app = fastify();
await app.register(latchkeyMercurius, { latchkey, schema });
const address = await app.listen({ port: Number(process.env.PORT ?? 4001), host: '127.0.0.1' });
console.log(`Listening at ${address}/graphql`);
