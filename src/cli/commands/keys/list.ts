import type { Command } from 'commander';
import { KEY_ORDER_FIELDS } from '../../../core/store/ordering.js';
import { KEY_TYPES } from '../../../core/store/records.js';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { pagesOf, type PageOf } from '../../pages.js';
import { asking, choice, given, whole, type AskingOptions } from '../../commandOptions.js';
import { talk, type Talk } from '../../talk.js';
import { shortMoment } from '../../times.js';
import type { Column } from '../../table.js';
import { LAST_USED_DELAY, LISTED_KEY, scopesText, statusStyle, type ListedKey } from './key.js';

interface Page {
  readonly apiKeys: PageOf<ListedKey> & {
    /** Only on the first page, because counting takes the server longer than reading a page. */
    readonly totalCount?: number;
  };
}

interface PageVariables {
  readonly first: number;
  readonly after: string | null;
  readonly counted: boolean;
  readonly filter: object;
  readonly workspace: string | null;
  readonly orderBy: { readonly field: string; readonly direction: string } | null;
}

const LIST = operation<Page, PageVariables>(
  `query Keys($first: Int!, $after: String, $counted: Boolean!, $filter: ApiKeyFilter, $workspace: ID, $orderBy: ApiKeyOrder) {
    apiKeys(first: $first, after: $after, filter: $filter, workspaceId: $workspace, orderBy: $orderBy) {
      totalCount @include(if: $counted)
      nodes { ...ListedKey }
      pageInfo { hasNextPage endCursor }
    }
  }`,
  LISTED_KEY,
);

interface ListOptions extends AskingOptions {
  readonly status?: string;
  readonly type?: string;
  readonly env?: string;
  readonly name?: string;
  readonly scope?: string;
  readonly project?: string;
  readonly user?: string;
  readonly workspace?: string;
  readonly limit: number;
  readonly sort?: string;
  readonly order?: string;
}

export const COLUMNS: readonly Column<ListedKey>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'PREFIX', text: ({ prefix }) => prefix || '-' },
  { title: 'TYPE', text: ({ type }) => type },
  { title: 'SCOPES', text: scopesText },
  { title: 'PROJECT', text: ({ project }) => project?.name ?? '-' },
  { title: 'LAST USED', text: ({ lastUsedAt }) => shortMoment(lastUsedAt) },
  { title: 'EXPIRES', text: ({ expiresAt }) => shortMoment(expiresAt) },
  { title: 'STATUS', text: ({ status }) => status, style: statusStyle },
];

export function listCommand(): Command {
  const command = described({
    name: 'list',
    description: `List the workspace's keys, newest first. Use --sort and --order for another order. LAST USED is ${LAST_USED_DELAY}.`,
    example: 'latchkey keys list --status active --name airflow',
  })
    .addOption(choice('--status <status>', 'only keys with this status', ['ACTIVE', 'EXPIRED', 'REVOKED']))
    .addOption(choice('-t, --type <type>', 'only keys of this type', KEY_TYPES))
    .addOption(choice('--env <environment>', 'live or test', ['LIVE', 'TEST']))
    .option('--name <part>', 'only keys whose name contains this text, ignoring case')
    .option('--scope <scope>', 'only keys with exactly this scope')
    .option('--project <id>', 'only keys that are restricted to this project')
    .option('--user <id>', 'only keys of this user')
    .option('--workspace <id>', 'another workspace, which requires the scope platform')
    .addOption(choice('--sort <field>', 'sort by this field; keys without a value come last', KEY_ORDER_FIELDS))
    .addOption(choice('--order <direction>', 'asc or desc (default: asc with --sort, else desc)', ['ASC', 'DESC']))
    .option('-n, --limit <count>', 'list at most this many keys', whole(1, 100_000), 1_000);
  return asking(command).action(async (options: ListOptions) => {
    await talk(options, async (told) => {
      const { keys, totalCount } = await keysOf(told, options);
      const { terminal, table } = told;
      told.show({ keys, totalCount }, () => (keys.length === 0 ? 'No keys.' : table(terminal, COLUMNS, keys)));
      if (keys.length < totalCount) terminal.note(`${keys.length} of ${totalCount}: --limit shows more.`);
    });
  });
}

async function keysOf(
  { ask, terminal }: Talk,
  options: ListOptions,
): Promise<{ keys: ListedKey[]; totalCount: number }> {
  const { status, type, env: environment, name: nameContains, scope, project: projectId, user: userId } = options;
  const filter = given({ status, type, environment, nameContains, scope, projectId, userId });
  const asked = { filter, workspace: options.workspace ?? null, orderBy: orderOf(options) };
  const keys: ListedKey[] = [];
  let totalCount = 0;
  const read = async (first: number, after: string | null): Promise<Page['apiKeys']> =>
    (await ask(LIST, { ...asked, first, after, counted: after === null })).apiKeys;
  for await (const page of pagesOf(read, options.limit)) {
    totalCount = page.totalCount ?? totalCount;
    keys.push(...page.nodes);
    if (page.pageInfo.hasNextPage) terminal.progress(`${keys.length} of ${totalCount} keys`);
  }
  return { keys, totalCount };
}

/** Returns the order in the options; null for the API's default. */
function orderOf({ sort, order }: ListOptions): PageVariables['orderBy'] {
  if (sort === undefined && order === undefined) return null;
  return { field: sort ?? 'CREATED', direction: order ?? 'ASC' };
}
