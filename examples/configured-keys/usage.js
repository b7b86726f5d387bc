// Prints how many requests each key of the workspace sent today. Needs an admin key.
//   node examples/configured-keys/usage.js
import { ask, main } from '../shared/client.js';

await main(async () => {
  const { apiKeys } = await ask(
    `query ($today: DateTime!) {
      apiKeys(first: 100) { nodes { name usage(from: $today, by: DAY) { requests forbidden limited } } }
    }`,
    { today: new Date().toISOString() },
  );
  for (const { name, usage } of apiKeys.nodes) {
    const [{ requests, forbidden, limited }] = usage;
    console.log(`${name}: ${requests} let through, ${forbidden} forbidden, ${limited} over the limit`);
  }
});
