// Checks before an Airflow run whether all assets that it reads are fresh. Needs a read-only key.
//   node examples/data-freshness/preflight.js <asset> [<asset> …]
// Exit status 0: all are fresh; 1: at least one is not; 2: the key was refused.
import { ask, main } from '../shared/client.js';

await main(async () => {
  for (const name of process.argv.slice(2)) {
    const { asset } = await ask('query ($name: String!) { asset(name: $name) { freshness { status age } } }', { name });
    const { status, age } = asset?.freshness ?? { status: 'NOT_REGISTERED' };
    console.log(`${name} ${status}${age ? `, loaded ${age} ago` : ''}`);
    if (status !== 'FRESH') process.exitCode = 1;
  }
});
