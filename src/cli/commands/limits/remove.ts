import type { Command } from 'commander';
import { described } from '../../describe.js';
import { asking, choiceArgument, given, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { SET_LIMITS } from './override.js';
import { SUBJECT_ID, SUBJECTS } from './subject.js';

interface RemoveOptions extends AskingOptions {
  readonly reason?: string;
  readonly workspace?: string;
}

export function removeCommand(): Command {
  const command = described({
    name: 'remove',
    description: 'Apply the limits of the tier to a subject again. Requires the scope platform.',
    example: 'latchkey limits remove external-id cus_8421',
  })
    .addArgument(choiceArgument('<type>', 'the kind of subject', SUBJECTS))
    .argument('<id>', SUBJECT_ID)
    .option('--reason <text>', 'for the audit log')
    .option('--workspace <id>', 'workspace of an external ID or a familyId (default: your own)');
  return asking(command).action(async (type: string, id: string, options: RemoveOptions) => {
    const { reason, workspace: workspaceId } = options;
    const input = given({ subject: given({ type, id, workspaceId }), reason });
    await talk(options, async ({ ask, show }) => {
      const { override } = (await ask(SET_LIMITS, { input })).setLimits;
      show({ override }, () => 'The limits of the tier apply.');
    });
  });
}
