// Adds a scope to an existing key. Needs an admin key. Takes effect at the key's next request.
//   node examples/workspace-scopes/add-scope.js <name of the key> <scope>
import { ask, main } from '../shared/client.js';

const FIND = `query ($filter: ApiKeyFilter!) {
  apiKeys(first: 100, filter: $filter) { nodes { id name scopes } }
}`;
const CHANGE = `mutation ($input: UpdateApiKeyInput!) {
  updateApiKey(input: $input) { apiKey { name scopes } }
}`;

await main(async () => {
  const [name, scope] = process.argv.slice(2);
  const { apiKeys } = await ask(FIND, { filter: { nameContains: name, status: 'ACTIVE' } });
  for (const key of apiKeys.nodes.filter((each) => each.name === name)) {
    const { updateApiKey } = await ask(CHANGE, { input: { id: key.id, scopes: [...key.scopes, scope] } });
    console.log(`${updateApiKey.apiKey.name}: ${updateApiKey.apiKey.scopes.join(' ')}`);
  }
});
