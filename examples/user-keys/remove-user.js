// Removes a user. The user's keys are refused immediately. Needs an admin key.
//   node examples/user-keys/remove-user.js <user id>
import { ask, main } from '../shared/client.js';

await main(async () => {
  const { removeUser } = await ask('mutation ($id: ID!) { removeUser(input: { id: $id }) { user { name } } }', {
    id: process.argv[2],
  });
  console.log(`${removeUser.user.name} left`);
});
