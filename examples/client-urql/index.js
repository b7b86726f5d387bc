// urql with Latchkey's fetch: 40 queries at once, at the pace that the key allows.
//   LATCHKEY_API_KEY=... node examples/client-urql/index.js
import { Client, fetchExchange, gql } from '@urql/core';
import { createFetch } from 'latchkey/client';

const url = process.env.LATCHKEY_URL ?? 'http://127.0.0.1:4000/graphql';
const client = new Client({ url, fetch: createFetch({ url }), exchanges: [fetchExchange], preferGetMethod: false });
const query = gql`
  query Assets($first: Int!) {
    assets(first: $first) {
      name
    }
  }
`;
const pages = Array.from({ length: 40 }, (_, i) => i + 1);

const results = await Promise.all(pages.map((first) => client.query(query, { first }).toPromise()));
const failed = results.find(({ error }) => error !== undefined);
if (failed === undefined) console.log(`${results.length} answers`);
else {
  console.error(failed.error.message);
  process.exitCode = 1;
}
