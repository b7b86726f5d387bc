// Latchkey's own client: 40 queries at once, at the pace that the key allows.
//   LATCHKEY_API_KEY=... node examples/client-plain/index.js
import { createClient, Forbidden, Unauthenticated } from 'latchkey/client';

const client = createClient({ url: process.env.LATCHKEY_URL ?? 'http://127.0.0.1:4000/graphql' });
const pages = Array.from({ length: 40 }, (_, i) => i + 1);

try {
  const answers = await Promise.all(
    pages.map((first) => client.request('query ($first: Int!) { assets(first: $first) { name } }', { first })),
  );
  console.log(`${answers.length} answers`);
} catch (error) {
  if (error instanceof Unauthenticated) console.error(`The key is not accepted: ${error.reason}.`);
  else if (error instanceof Forbidden) console.error(`The key lacks ${error.missing.join(', ')}.`);
  else console.error(error.message);
  process.exitCode = 1;
} finally {
  await client.close();
}
