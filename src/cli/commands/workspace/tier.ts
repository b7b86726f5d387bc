import type { Command } from 'commander';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { withTier } from '../tiers.js';
import { tierArgument } from './tierName.js';
import { linesOf, WORKSPACE, type Workspace } from './workspace.js';

const TIER = operation<{ readonly setWorkspaceTier: { readonly workspace: Workspace } }, { readonly input: object }>(
  `mutation SetTier($input: SetWorkspaceTierInput!) { setWorkspaceTier(input: $input) { workspace { ...Workspace } } }`,
  WORKSPACE,
);

export function tierCommand(): Command {
  const command = described({
    name: 'tier',
    description: 'Change the tier of a workspace, and with it the limits of its keys. Requires the scope platform.',
    example: 'latchkey workspace tier default professional',
  })
    .argument('<id>', 'ID of the workspace')
    .addArgument(tierArgument('<tier>', 'the new tier'));
  return asking(command).action(async (workspaceId: string, tier: string, options: AskingOptions) => {
    await talk(options, async ({ ask, show, list, terminal }) => {
      const set = () => ask(TIER, { input: { workspaceId, tier } });
      const { workspace } = (await withTier({ ask }, tier, set)).setWorkspaceTier;
      show({ workspace }, () => list(terminal, linesOf(workspace)));
    });
  });
}
