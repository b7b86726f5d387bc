// Creates a key and prints its token, which is shown this one time.
//   node examples/shared/create-key.js <name> --scope <scope> [--scope …] [--type CLIENT] [--project <id>] [--user <id>]
//     [--days <until it expires>]
import { parseArgs } from 'node:util';
import { ask, main } from './client.js';

const DAY = 24 * 60 * 60_000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    scope: { type: 'string', multiple: true },
    type: { type: 'string', default: 'SECRET' },
    project: { type: 'string' },
    user: { type: 'string' },
    days: { type: 'string' },
  },
});

await main(async () => {
  const { createApiKey } = await ask(
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }',
    {
      input: {
        name: positionals[0],
        scopes: values.scope,
        type: values.type,
        projectId: values.project,
        userId: values.user,
        expiresAt: values.days && new Date(Date.now() + values.days * DAY).toISOString(),
      },
    },
  );
  console.log(createApiKey.token);
});
