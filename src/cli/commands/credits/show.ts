import type { Command } from 'commander';
import { described } from '../../describe.js';
import { asking, choiceArgument, given, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { found } from '../keys/key.js';
import { balanceInWords } from '../limitLines.js';
import { LIMITS_OF } from '../limits/subject.js';
import { SUBJECT_ID, SUBJECTS, typeOf } from './owner.js';

export function showCreditsCommand(): Command {
  const command = described({
    name: 'show',
    description: 'Show the balance that the requests of a key, an owner, a project or a workspace are paid from.',
    example: 'latchkey credits show owner cus_8421',
  })
    .addArgument(choiceArgument('<subject>', 'the subject whose keys share the balance', SUBJECTS))
    .argument('<id>', SUBJECT_ID)
    .option('--workspace <id>', 'workspace of an external ID (default: your own)');
  return asking(command).action(
    async (subject: string, id: string, options: AskingOptions & { readonly workspace?: string }) => {
      const named = { type: typeOf(subject, id), id, ...given({ workspaceId: options.workspace }) };
      await talk(options, async ({ ask, show }) => {
        const { credits, tier } = found((await ask(LIMITS_OF, { subject: named })).limitsOf, 'subject');
        show({ credits }, () =>
          credits === null
            ? `The tier ${tier} defines no credits with the subject ${subject.toLowerCase()}.`
            : balanceInWords(credits),
        );
      });
    },
  );
}
