// The schema and the keys that the examples of this folder serve.
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createLatchkey, openSqliteStore } from 'latchkey';

const typeDefs = 'extend type Query { opening: String! @public orders: [String!]! @auth(scope: "read:orders") }';
const resolvers = { Query: { opening: () => '9 to 5', orders: () => ['A-1', 'A-2'] } };

/** Opens the store, and guards the schema. */
export async function openShop(dir) {
  const store = await openSqliteStore({ dir });
  const latchkey = await createLatchkey({ store, peppers: ['an-example-pepper-of-32-characters'] });
  if (latchkey.firstKey !== null) console.log(`Admin key: ${latchkey.firstKey.token}`);
  const schema = latchkey.guard(
    makeExecutableSchema({ typeDefs: [latchkey.typeDefs, typeDefs], resolvers: [latchkey.resolvers, resolvers] }),
  );
  return { latchkey, schema };
}
