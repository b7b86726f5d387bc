// Apollo Client with Latchkey's fetch: 40 queries at once, at the pace that the key allows.
//   LATCHKEY_API_KEY=... node examples/client-apollo/index.js
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
import { createFetch } from 'latchkey/client';

const uri = process.env.LATCHKEY_URL ?? 'http://127.0.0.1:4000/graphql';
const client = new ApolloClient({
  link: new HttpLink({ uri, fetch: createFetch({ url: uri }) }),
  cache: new InMemoryCache(),
});
const query = gql`
  query Assets($first: Int!) {
    assets(first: $first) {
      name
    }
  }
`;
const pages = Array.from({ length: 40 }, (_, i) => i + 1);

try {
  const answers = await Promise.all(pages.map((first) => client.query({ query, variables: { first } })));
  console.log(`${answers.filter(({ data }) => data.assets !== undefined).length} answers`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
