// Your own schema, guarded by Latchkey. Keys are stored in SQLite, or in MongoDB if MONGODB_URI is set.
//   node examples/own-schema/server.js
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createLatchkey } from 'latchkey';
import { apolloOptions } from 'latchkey/apollo';
import { openStore } from './store.js';

const latchkey = await createLatchkey({ store: await openStore(), peppers: ['an-example-pepper-of-32-characters'] });
// Before anything that can fail: the key can't be read later.
if (latchkey.firstKey !== null) console.log(`Admin key: ${latchkey.firstKey.token}`);

const typeDefs = /* GraphQL */ `
  extend type Query {
    opening: String! @public
    orders(first: Int = 20): [Order!]! @listSize(slicingArguments: ["first"]) @auth(scope: "read:orders")
  }
  extend type Mutation {
    cancelOrder(id: ID!): Order @cost(weight: "5") @auth(scope: "write:orders")
  }
  type Order {
    id: ID!
    total: Float!
    margin: Float! @auth(scope: [["read:margins"], ["admin"]])
  }
`;
const orders = [{ id: 'A-1', total: 42, margin: 0.3 }];
const resolvers = {
  Query: { opening: () => '9 to 5', orders: (_, { first }) => orders.slice(0, first) },
  Mutation: { cancelOrder: (_, { id }) => orders.find((order) => order.id === id) ?? null },
};

const schema = latchkey.guard(
  makeExecutableSchema({ typeDefs: [latchkey.typeDefs, typeDefs], resolvers: [latchkey.resolvers, resolvers] }),
);
// Writes the usage of the last seconds when Apollo Server stops.
const closing = { serverWillStart: async () => ({ serverWillStop: () => latchkey.close() }) };
const server = new ApolloServer(apolloOptions(latchkey, { schema, plugins: [closing] }));
const { url } = await startStandaloneServer(server, {
  context: latchkey.context,
  listen: { port: Number(process.env.PORT ?? 4001), host: '127.0.0.1' },
});
console.log(`Orders at ${url}`);
