// Creates a project and prints its ID. Needs an admin key of the workspace.
//   node examples/project-keys/create-project.js <name>
import { ask, main } from '../shared/client.js';

await main(async () => {
  const { createProject } = await ask(
    'mutation ($name: String!) { createProject(input: { name: $name }) { project { id } } }',
    { name: process.argv[2] },
  );
  console.log(createProject.project.id);
});
