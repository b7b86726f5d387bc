import type { Command } from 'commander';
import { described } from '../../describe.js';
import { choice, sending, type AskingOptions } from '../../commandOptions.js';
import { EXIT } from '../../exit.js';
import { talk, type Talk } from '../../talk.js';
import { pastMomentOf } from '../../times.js';
import { operation } from '../../typedOperation.js';
import { UnexpectedAnswer } from '../../unexpected.js';
import { visibleLines } from '../../visibleText.js';
import type { ExportFile } from './exportFile.js';

type Format = 'CSV' | 'JSON_LINES';

interface Exported {
  readonly usageExport: { readonly text: string; readonly endCursor: string | null; readonly hasNextPage: boolean };
}

interface ExportVariables {
  readonly groupBy: string;
  readonly by: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly format: Format;
  readonly after: string | null;
  readonly workspaceId: string | null;
}

const EXPORT = operation<Exported, ExportVariables>(
  `query UsageExport(
    $groupBy: UsageGroup!, $by: UsageReportPeriod!, $from: DateTime, $to: DateTime, $format: UsageFormat!, $after: String,
    $workspaceId: ID
  ) {
    usageExport(
      groupBy: $groupBy, by: $by, from: $from, to: $to, format: $format, after: $after, workspaceId: $workspaceId
    ) {
      text endCursor hasNextPage
    }
  }`,
);

interface ExportOptions extends AskingOptions {
  readonly groupBy: string;
  readonly by: string;
  readonly from?: string;
  readonly to?: string;
  readonly format: Format;
  readonly output?: string;
  readonly resume?: true;
  readonly workspace?: string;
}

const GROUPS = ['WORKSPACE', 'PROJECT', 'OWNER', 'KEY', 'OPERATION', 'ROOT_FIELD'];

export function usageExportCommand(): Command {
  const command = described({
    name: 'export',
    description:
      'Write the usage of the workspace to a file, as CSV or JSON Lines. ' +
      'Export periods that have ended: the current one still changes. ' +
      'If the command was interrupted, run it again with --resume.',
    example: 'latchkey usage export --group-by owner --by month --from 2026-03-01 --to 2026-04-01 --output march.csv',
  })
    .addOption(choice('--group-by <group>', 'what the rows count', GROUPS).default('KEY', 'key'))
    .addOption(choice('--by <period>', 'hour, day or month, in UTC', ['HOUR', 'DAY', 'MONTH']).default('DAY', 'day'))
    .option(
      '--from <moment>',
      '30d (30 days ago), or 2026-11-01 (default: 24 hours, 30 days or 365 days before the end)',
    )
    .option('--to <moment>', '1d (one day ago), or 2026-12-01 (default: now)')
    .addOption(choice('--format <format>', 'csv or json-lines', ['CSV', 'JSON_LINES']).default('CSV', 'csv'))
    .option('-o, --output <file>', 'a new file (default: standard output)')
    .option('--resume', 'continue after the last complete line of the file')
    .option('--workspace <id>', 'another workspace, which requires the scope platform');
  return sending(command).action(async (options: ExportOptions) => {
    const { openExport } = await import('./exportFile.js');
    const file = await openExport(options.output ?? null, options.resume === true);
    try {
      await talk({ ...options, quiet: true }, (told) => exportTo(file, told, options));
    } finally {
      await file.close();
    }
  });
}

async function exportTo(file: ExportFile, told: Talk, { groupBy, by, format, ...range }: ExportOptions): Promise<void> {
  const moment = (option: string, text: string | undefined): string | null =>
    text === undefined ? null : pastMomentOf(option, text);
  const { workspace: workspaceId = null } = range;
  const asked = { groupBy, by, format, from: moment('--from', range.from), to: moment('--to', range.to), workspaceId };
  const cursors = new Set<string>();
  let after = file.cursor;
  for (;;) {
    const page: Exported['usageExport'] = (await told.ask(EXPORT, { ...asked, after })).usageExport;
    await file.append(page.text, (text) => (process.stdout.isTTY ? visibleLines(text) : text));
    told.terminal.progress(`${file.lines} lines`);
    if (!page.hasNextPage) break;
    if (page.endCursor === null || cursors.has(page.endCursor)) {
      throw new UnexpectedAnswer('repeats a cursor, so the export would never end', EXIT.failed);
    }
    cursors.add(page.endCursor);
    after = page.endCursor;
  }
  told.terminal.progressEnd();
}
