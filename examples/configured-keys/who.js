// Whose key is it, and what may it do?
//   LATCHKEY_API_KEY=<key> node examples/configured-keys/who.js
import { ask, main } from '../shared/client.js';

await main(async () => {
  const { viewer } = await ask('{ viewer { scopes credential { apiKey { name roles } } } }');
  const { name, roles } = viewer.credential.apiKey;
  console.log(`${name}, ${roles.join(' and ')}: ${viewer.scopes.join(' ')}`);
});
