import type { Command } from 'commander';
import { KEY_TYPES } from '../../../core/store/records.js';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking, choice, given, items } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { usage } from '../../exit.js';
import { momentOf } from '../../times.js';
import { KEY, linesOf, type Made } from './key.js';
import { quiet, showMade, type MadeOptions } from './made.js';

const CREATE = operation<{ readonly createApiKey: Made }, { readonly input: object }>(
  'mutation CreateKey($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey { ...Key } } }',
  KEY,
);

interface CreateOptions extends MadeOptions {
  readonly scopes?: readonly string[];
  readonly from?: string;
  readonly type?: string;
  readonly env?: string;
  readonly expires?: string;
  readonly project?: string;
  readonly user?: string;
  readonly externalId?: string;
  readonly allow?: readonly string[];
  readonly workspace?: string;
}

export function createCommand(): Command {
  const command = described({
    name: 'create',
    description:
      'Create a key. Its token is shown once. With --from, create a key for each row of a CSV file: the first line names ' +
      'the columns (name, and any of scopes, type, env, expires, project, user, external-id), and cells override the options. ' +
      'The tokens are printed as CSV, or with --json as one JSON document in each line.',
    example: "latchkey keys create 'Airflow production' --scopes read-only --expires 90d",
  })
    .argument('[name]', '1 to 100 characters')
    .option('--from <file>', 'a CSV file with a row for each key; - for standard input')
    .option('-s, --scopes <scopes>', 'comma-separated scopes: read:assets, read-only, admin', items)
    .addOption(
      choice(
        '-t, --type <type>',
        'secret: servers; client: code that others can read; read-only: monitoring',
        KEY_TYPES,
      ),
    )
    .addOption(choice('--env <environment>', 'live or test', ['LIVE', 'TEST']))
    .option('--expires <moment>', 'when it expires: 90d, or 2026-12-31 (default: never)')
    .option('--project <id>', 'project that the key is restricted to')
    .option('--user <id>', 'user who owns the key')
    .option('--external-id <id>', 'ID of your customer, whose keys share the limits of an owner')
    .option('--allow <addresses>', 'IP addresses and CIDR ranges that the key can be used from', items)
    .option('--workspace <id>', 'another workspace, which requires the scope platform');
  return asking(quiet(command)).action(async (name: string | undefined, options: CreateOptions) => {
    const {
      scopes,
      type,
      env: environment,
      expires,
      project: projectId,
      user: userId,
      externalId,
      allow,
      workspace,
    } = options;
    const input = given({
      name,
      scopes,
      type,
      environment,
      expiresAt: expires === undefined ? undefined : momentOf('--expires', expires),
      projectId,
      userId,
      externalId,
      allowedAddresses: allow,
      workspaceId: workspace,
    });
    if (options.from !== undefined) {
      const { from } = options;
      if (name !== undefined) throw usage('Give a name, or --from with a file that has names, and not both.');
      const { createFrom } = await import('./createFrom.js');
      await talk(options, (told) => createFrom(from, input, told, options.json === true));
      return;
    }
    if (name === undefined) throw usage('The name of the key is missing. Give it as an argument.');
    if (scopes === undefined) throw usage('The option --scopes is missing, such as --scopes read-only.');
    await talk(options, async (told) => {
      const { apiKey: key, token } = (await told.ask(CREATE, { input })).createApiKey;
      showMade(told, options, { value: { key }, lines: linesOf(key), token });
    });
  });
}
