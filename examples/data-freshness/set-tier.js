// What a subscription's upgrade does, with the operator's key: the keys that are there have the new limits at once.
//   node examples/data-freshness/set-tier.js <workspace id> <tier>
import { ask, main } from '../shared/client.js';

await main(async () => {
  const [workspaceId, tier] = process.argv.slice(2);
  const { setWorkspaceTier } = await ask(
    'mutation ($input: SetWorkspaceTierInput!) { setWorkspaceTier(input: $input) { workspace { name tier } } }',
    { input: { workspaceId, tier } },
  );
  console.log(`${setWorkspaceTier.workspace.name} ${setWorkspaceTier.workspace.tier}`);
});
