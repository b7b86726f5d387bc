import type { Command } from 'commander';
import { described } from '../../describe.js';
import { asking, choiceArgument, given, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { found } from '../keys/key.js';
import { quotaLines, roomOf } from '../limitLines.js';
import { endOf } from './override.js';
import { LIMITS_OF, SUBJECT_ID, SUBJECTS, type SubjectLimits } from './subject.js';

export function showCommand(): Command {
  const command = described({
    name: 'show',
    description:
      'Show the limits, quotas and credits that the keys of an owner, a project or a workspace share, or that one key has, ' +
      'and what remains of them.',
    example: 'latchkey limits show external-id cus_8421',
  })
    .addArgument(choiceArgument('<type>', 'the kind of subject', SUBJECTS))
    .argument('<id>', SUBJECT_ID)
    .option('--workspace <id>', 'workspace of an external ID or a familyId (default: your own)');
  return asking(command).action(
    async (type: string, id: string, options: AskingOptions & { readonly workspace?: string }) => {
      const { workspace: workspaceId } = options;
      const subject = { type, id, ...given({ workspaceId }) };
      await talk(options, async ({ ask, show, list, terminal }) => {
        const limits = found((await ask(LIMITS_OF, { subject })).limitsOf, 'subject');
        show({ limits }, () => list(terminal, linesOf(limits)));
      });
    },
  );
}

function linesOf({ type, id, tier, rate, burst, quotas, credits, override }: SubjectLimits): [string, string | null][] {
  return [
    ['Subject', `${type} ${id}`],
    ['Tier', tier],
    ['Per minute', rate === null ? 'not limited together' : roomOf(rate)],
    ['Per second', burst === null ? 'not limited together' : roomOf(burst)],
    ...quotaLines(quotas, credits),
    ['Set until', override && endOf(override)],
    ['Reason', override?.reason ?? null],
  ];
}
