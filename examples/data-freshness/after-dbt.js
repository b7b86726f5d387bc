// Run this after dbt, with a read-write key. It records a load of each model that was built. For all other models, it
// evaluates the freshness again, so that their alerts open immediately.
//   node examples/data-freshness/after-dbt.js target/run_results.json
import { readFileSync } from 'node:fs';
import { ask, main } from '../shared/client.js';

const LOADED = `mutation ($asset: String!, $rows: Count) {
  recordLoad(input: { asset: $asset, rows: $rows }) { freshness { status } }
}`;
const REFRESH = 'mutation ($asset: String!) { refreshFreshness(asset: $asset) { freshness { status } } }';

await main(async () => {
  const { results } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  for (const { unique_id: id, status, adapter_response: answer } of results) {
    // model.<package>.<name>
    const asset = id.split('.').slice(2).join('.');
    const built = status === 'success';
    const { recordLoad, refreshFreshness } = built
      ? await ask(LOADED, { asset, rows: answer.rows_affected ?? null })
      : await ask(REFRESH, { asset });
    console.log(`${asset} ${built ? 'loaded' : 'refreshed'}: ${(recordLoad ?? refreshFreshness).freshness.status}`);
  }
});
