// graphql-request with Latchkey's fetch: 40 queries at once, at the pace that the key allows.
//   LATCHKEY_API_KEY=... node examples/client-graphql-request/index.js
import { gql, GraphQLClient } from 'graphql-request';
import { createFetch } from 'latchkey/client';

const url = process.env.LATCHKEY_URL ?? 'http://127.0.0.1:4000/graphql';
const client = new GraphQLClient(url, { fetch: createFetch({ url }) });
const query = gql`
  query Assets($first: Int!) {
    assets(first: $first) {
      name
    }
  }
`;
const pages = Array.from({ length: 40 }, (_, i) => i + 1);

try {
  const answers = await Promise.all(pages.map((first) => client.request(query, { first })));
  console.log(`${answers.length} answers`);
} catch (error) {
  console.error(error.response?.errors?.[0]?.message ?? error.message);
  process.exitCode = 1;
}
