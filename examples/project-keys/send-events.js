// Sends what happened, with a client key, as one batch. The ids are what the events already have, so that a batch whose answer
// was lost can be sent again.
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
