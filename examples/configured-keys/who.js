// Prints who a key or access token belongs to, and its scopes.
//   LATCHKEY_API_KEY=<key> node examples/configured-keys/who.js
import { ask, main } from '../shared/client.js';

await main(async () => {
  const { viewer } = await ask('{ viewer { scopes credential { id apiKey { name roles } } } }');
  const { id, apiKey } = viewer.credential;
  const who = apiKey === null ? id : `${apiKey.name}, ${apiKey.roles.join(' and ')}`;
  console.log(`${who}: ${viewer.scopes.join(' ')}`);
});
