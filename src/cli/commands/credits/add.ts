import type { Command } from 'commander';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking, choiceArgument, whole, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { SUBJECT_ID, SUBJECTS } from './owner.js';

interface Added {
  readonly balance: number;
  readonly added: boolean;
}

const ADD = operation<{ readonly addCredits: Added }, { readonly input: object }>(
  'mutation AddCredits($input: AddCreditsInput!) { addCredits(input: $input) { balance added } }',
);

const MOST = 999_999_999;

interface AddOptions extends AskingOptions {
  readonly idempotencyKey: string;
  readonly workspace?: string;
}

export function addCreditsCommand(): Command {
  const command = described({
    name: 'add',
    description:
      'Add credits to the balance of a key, an owner, a project or a workspace. Requires the scope platform.',
    example: 'latchkey credits add workspace default 10000 --idempotency-key invoice-7',
  })
    .addArgument(choiceArgument('<subject>', 'the subject whose keys share the balance', SUBJECTS))
    .argument('<id>', SUBJECT_ID)
    .argument('<amount>', 'the number of credits', whole(1, MOST))
    .requiredOption(
      '--idempotency-key <text>',
      'a text that you choose for these credits; a repeated command with the same text adds nothing',
    )
    .option('--workspace <id>', 'workspace of an external ID (default: your own)');
  return asking(command).action(async (subject: string, id: string, amount: number, options: AddOptions) => {
    const { idempotencyKey, workspace } = options;
    const input = { subject, id, amount, idempotencyKey, ...(workspace !== undefined && { workspaceId: workspace }) };
    await talk(options, async ({ ask, show, list, terminal }) => {
      const { addCredits } = await ask(ADD, { input });
      show({ addCredits }, () => list(terminal, linesOf(addCredits)));
    });
  });
}

function linesOf({ balance, added }: Added): [string, string][] {
  return [
    ['Balance', String(balance)],
    ['Added', added ? 'now' : 'by an earlier command with this text'],
  ];
}
