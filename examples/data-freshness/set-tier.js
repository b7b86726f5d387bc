// Sets the tier of a workspace, for example when a customer upgrades. Needs the operator's key. Existing keys get the new limits immediately.
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
