// Prints the newest events of the key's project. Needs the scope read:events.
//   LATCHKEY_API_KEY=<key> node examples/project-keys/read-events.js
import { ask, main } from '../shared/client.js';

await main(async () => {
  const { events } = await ask('{ events(first: 20) { nodes { id type } } }');
  for (const { id, type } of events.nodes) console.log(`${id} ${type}`);
  console.log(`${events.nodes.length} in all`);
});
