import type { Command } from 'commander';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking } from '../../commandOptions.js';
import type { PageOf } from '../../pages.js';
import type { Column } from '../../table.js';
import { talk } from '../../talk.js';
import { limited, showListing, type ListOptions, type PageVariables } from '../listed.js';
import { endOf, limitOf, OVERRIDE, quotasOf, type Override } from './override.js';

const LIST = operation<
  { readonly limitOverrides: PageOf<Override> },
  PageVariables & { readonly workspaceId: string | null }
>(
  `query LimitOverrides($first: Int!, $after: String, $workspaceId: ID) {
    limitOverrides(first: $first, after: $after, workspaceId: $workspaceId) {
      nodes { ...Override } pageInfo { hasNextPage endCursor }
    }
  }`,
  OVERRIDE,
);

const COLUMNS: readonly Column<Override>[] = [
  { title: 'TYPE', text: ({ type }) => type },
  { title: 'ID', text: ({ id }) => id },
  { title: 'PER MINUTE', text: ({ rate }) => limitOf(rate) },
  { title: 'PER SECOND', text: ({ burst }) => limitOf(burst) },
  { title: 'QUOTAS', text: ({ quotas }) => quotasOf(quotas) },
  { title: 'UNTIL', text: endOf },
  { title: 'REASON', text: ({ reason }) => reason ?? '-' },
];

export function listCommand(): Command {
  const command = described({
    name: 'list',
    description: 'List the limits that replace the limits of the tier. Requires the scope platform.',
    example: 'latchkey limits list --json',
  }).option('--workspace <id>', 'another workspace (default: your own)');
  return asking(limited(command, 'limits')).action(async (options: ListOptions & { readonly workspace?: string }) => {
    const workspaceId = options.workspace ?? null;
    await talk(options, (told) =>
      showListing(told, options.limit, {
        things: 'limits',
        columns: COLUMNS,
        read: async (page) => (await told.ask(LIST, { ...page, workspaceId })).limitOverrides,
      }),
    );
  });
}
