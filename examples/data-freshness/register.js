// Registers assets that should be loaded once a day, with a read-write key.
//   node examples/data-freshness/register.js <asset> [<asset> …]
import { ask, main } from '../shared/client.js';

await main(async () => {
  for (const name of process.argv.slice(2)) {
    await ask('mutation ($name: String!) { registerAsset(input: { name: $name, allowedAge: "P1D" }) { name } }', {
      name,
    });
    console.log(`${name} registered`);
  }
});
