import type { Command } from 'commander';
import { described } from '../../describe.js';
import { keyNameIn } from '../../keyName.js';
import { operation } from '../../typedOperation.js';
import { asking, choice, type AskingOptions } from '../../commandOptions.js';
import type { Column } from '../../table.js';
import { talk } from '../../talk.js';
import { pastMomentOf, shortMoment } from '../../times.js';
import { found } from '../keys/key.js';
import { usageExportCommand } from './export.js';
import { KEY_ARGUMENT, keyIdOf } from '../keys/keyId.js';

/** The counts of each period. */
const COUNTED = ['requests', 'cost', 'limited', 'forbidden'] as const;

type Counts = Readonly<Record<(typeof COUNTED)[number], number>>;

interface Period extends Counts {
  /** The last row, with the totals, has none. */
  readonly start: string | null;
}

interface UsageVariables {
  readonly id: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly by: string;
}

const USAGE = operation<{ readonly apiKey: { readonly usage: readonly Period[] } | null }, UsageVariables>(
  `query KeyUsage($id: ID!, $from: DateTime, $to: DateTime, $by: UsagePeriod!) {
    apiKey(id: $id) { usage(from: $from, to: $to, by: $by) { start requests cost limited forbidden } }
  }`,
);

const COLUMNS: readonly Column<Period>[] = [
  { title: 'FROM (UTC)', text: ({ start }) => (start === null ? 'total' : shortMoment(start)) },
  ...COUNTED.map((name) => ({
    title: name.toUpperCase(),
    text: (period: Period) => String(period[name]),
    right: true as const,
  })),
];

interface UsageOptions extends AskingOptions {
  readonly by: string;
  readonly from?: string;
  readonly to?: string;
}

export function usageCommand(): Command {
  return keyUsageCommand().enablePositionalOptions().addCommand(usageExportCommand());
}

function keyUsageCommand(): Command {
  const command = described({
    name: 'usage',
    description: 'Show the usage of a key by minute, hour or day. It is up to 5 seconds behind.',
    example: 'latchkey usage key_7Hq2mZ0aV9tR4xYb --by day --from 30d',
  })
    .argument('<id>', KEY_ARGUMENT)
    .addOption(choice('--by <period>', 'minute, hour or day', ['MINUTE', 'HOUR', 'DAY']).default('HOUR', 'hour'))
    .option('--from <moment>', '30d (30 days ago), or 2026-11-01 (default: 24 periods before the end)')
    .option('--to <moment>', '1d (one day ago), or 2026-12-01 (default: now)');
  return asking(command).action(async (argument: string, options: UsageOptions) => {
    const name = keyNameIn(argument);
    const { by, from, to } = options;
    const moment = (option: string, text: string | undefined): string | null =>
      text === undefined ? null : pastMomentOf(option, text);
    const range = { by, from: moment('--from', from), to: moment('--to', to) };
    await talk(options, async ({ ask, show, table, terminal }) => {
      const { usage } = found((await ask(USAGE, { id: await keyIdOf(ask, name), ...range })).apiKey, 'key');
      const total = sum(usage);
      show({ by, usage, total }, () => table(terminal, COLUMNS, [...usage, { start: null, ...total }]));
    });
  });
}

function sum(periods: readonly Counts[]): Counts {
  const total = { requests: 0, cost: 0, limited: 0, forbidden: 0 };
  for (const period of periods) for (const name of COUNTED) total[name] += period[name];
  return total;
}
