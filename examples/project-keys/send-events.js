// Sends events in one batch, with a client key. The IDs of the events stay the same, so that you can send a batch again if its
// response was lost.
//   LATCHKEY_API_KEY=<key> node examples/project-keys/send-events.js <type> <id> [<id> …]
import { ask, main } from '../shared/client.js';

await main(async () => {
  const [type, ...ids] = process.argv.slice(2);
  const { recordEvents } = await ask(
    'mutation ($input: [EventInput!]!) { recordEvents(input: $input) { recorded repeated } }',
    { input: ids.map((id) => ({ id, type })) },
  );
  console.log(`${recordEvents.recorded} recorded, ${recordEvents.repeated} repeated`);
});
