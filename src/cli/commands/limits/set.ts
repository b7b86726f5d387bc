import type { Command } from 'commander';
import { described } from '../../describe.js';
import { asking, choiceArgument, given, whole, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { momentOf } from '../../times.js';
import { linesOf, SET_LIMITS } from './override.js';
import { quotaOption, type GivenQuota } from './quotaOption.js';
import { SUBJECT_ID, SUBJECTS } from './subject.js';

interface SetOptions extends AskingOptions {
  readonly perMinute?: number;
  readonly perSecond?: number;
  readonly quota?: readonly GivenQuota[];
  /** false if the subject has no quotas. */
  readonly quotas: boolean;
  readonly until?: string;
  readonly reason?: string;
  readonly workspace?: string;
}

/** The largest number that an option can have. */
const HIGHEST = 999_999_999;

export function setCommand(): Command {
  const command = described({
    name: 'set',
    description:
      'Set the limits and quotas of one key, owner, project or workspace, replacing any that were set before. Requires the scope platform.',
    example: 'latchkey limits set external-id cus_8421 --per-minute 5000 --until 30d',
  })
    .addArgument(choiceArgument('<type>', 'the kind of subject', SUBJECTS))
    .argument('<id>', SUBJECT_ID)
    .option('--per-minute <count>', 'requests in any 60 seconds (default: the limit of the tier)', whole(1, HIGHEST))
    .option('--per-second <count>', 'requests in any one second (default: the limit of the tier)', whole(1, HIGHEST))
    .addOption(quotaOption())
    .option('--no-quotas', 'remove the quotas that the tier has for the subject')
    .option('--until <moment>', 'when the limits of the tier apply again: 30d, or 2026-12-31 (default: never)')
    .option('--reason <text>', 'for the audit log')
    .option('--workspace <id>', 'workspace of an external ID or a familyId (default: your own)');
  return asking(command).action(async (type: string, id: string, options: SetOptions) => {
    const { perMinute: rate, perSecond: burst, quota, until, reason, workspace: workspaceId } = options;
    if (quota !== undefined && !options.quotas) {
      command.error('error: --quota and --no-quotas cannot be used together. Give one of them.');
    }
    const quotas = options.quotas ? quota : [];
    if (rate === undefined && burst === undefined && quotas === undefined) {
      command.error(
        'error: give --per-minute, --per-second, --quota or --no-quotas. To remove limits, use latchkey limits remove.',
      );
    }
    const input = given({
      subject: given({ type, id, workspaceId }),
      ...{ rate, burst, quotas, reason },
      until: until === undefined ? undefined : momentOf('--until', until),
    });
    await talk(options, async ({ ask, show, list, terminal }) => {
      const { override } = (await ask(SET_LIMITS, { input })).setLimits;
      show({ override }, () => (override === null ? '' : list(terminal, linesOf(override))));
    });
  });
}
