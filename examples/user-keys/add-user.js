// Adds a user to the workspace and prints the user's ID. Needs an admin key.
//   node examples/user-keys/add-user.js <name> <role> [<role> …]
import { ask, main } from '../shared/client.js';

await main(async () => {
  const [name, ...roles] = process.argv.slice(2);
  const { addUser } = await ask('mutation ($input: AddUserInput!) { addUser(input: $input) { user { id } } }', {
    input: { name, roles },
  });
  console.log(addUser.user.id);
});
