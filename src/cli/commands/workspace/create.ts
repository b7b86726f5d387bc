import type { Command } from 'commander';
import { TIERS } from '../../../core/store/records.js';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking, choice } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { KEY, type Made } from '../keys/key.js';
import { quiet, showMade, type MadeOptions } from '../keys/made.js';
import { linesOf, WORKSPACE, type Workspace } from './workspace.js';

const CREATE = operation<
  { readonly createWorkspace: Made & { readonly workspace: Workspace } },
  { readonly input: object }
>(
  `mutation CreateWorkspace($input: CreateWorkspaceInput!) {
    createWorkspace(input: $input) { workspace { ...Workspace } token apiKey { ...Key } }
  }`,
  WORKSPACE,
  KEY,
);

interface CreateOptions extends MadeOptions {
  readonly tier: string;
}

export function createCommand(): Command {
  const command = described({
    name: 'create',
    description: 'Create a workspace with an admin key. The token is shown once. Requires the scope platform.',
    example: "latchkey workspace create 'Data team' --tier growth",
  })
    .argument('<name>', '1 to 100 characters')
    .addOption(choice('--tier <tier>', 'what it allows', TIERS).makeOptionMandatory());
  return asking(quiet(command)).action(async (name: string, options: CreateOptions) => {
    await talk(options, async (told) => {
      const { tier } = options;
      const { workspace, apiKey: key, token } = (await told.ask(CREATE, { input: { name, tier } })).createWorkspace;
      showMade(told, options, {
        value: { workspace, key },
        lines: [...linesOf(workspace), ['Admin key', key.id]],
        token,
      });
    });
  });
}
