import type { Command } from 'commander';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { KEY, type Made } from '../keys/key.js';
import { quiet, showMade, type MadeOptions } from '../keys/made.js';
import { withTier } from '../tiers.js';
import { tierOption } from './tierName.js';
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
  readonly tier?: string;
}

export function createCommand(): Command {
  const command = described({
    name: 'create',
    description: 'Create a workspace with an admin key. The token is shown once. Requires the scope platform.',
    example: "latchkey workspace create 'Data team' --tier growth",
  })
    .argument('<name>', '1 to 100 characters')
    .addOption(tierOption('--tier <tier>', 'its tier (default: DEFAULT_TIER of the server)'));
  return asking(quiet(command)).action(async (name: string, options: CreateOptions) => {
    await talk(options, async (told) => {
      const { tier } = options;
      const create = () => told.ask(CREATE, { input: { name, ...(tier !== undefined && { tier }) } });
      const { workspace, apiKey: key, token } = (await withTier(told, tier, create)).createWorkspace;
      showMade(told, options, {
        value: { workspace, key },
        lines: [...linesOf(workspace), ['Admin key', key.id]],
        token,
      });
    });
  });
}
