// Sets the roles of a user, or removes all. Needs an admin key. The user's keys have the new roles at their next request.
//   node examples/user-keys/set-roles.js <user id> [<role> …]
import { ask, main } from '../shared/client.js';

await main(async () => {
  const [id, ...roles] = process.argv.slice(2);
  const { updateUser } = await ask(
    'mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { name roles } } }',
    { input: { id, roles } },
  );
  console.log(`${updateUser.user.name}: ${updateUser.user.roles.join(' ')}`);
});
