import { Alert, Box, Button, Group, Pagination, Stack, Text, VisuallyHidden } from '@mantine/core';
import { PlusIcon } from '@primer/octicons-react';
import { Link } from 'wouter';
import { usePages } from '../api/usePages.js';
import { KeysDocument, type KeysQuery } from '../generated/graphql.js';
import { Empty, Outline } from '../parts/Asking.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { count, counted, TIERS } from '../parts/words.js';
import { Page } from '../shell/Page.js';
import { KeyFilters } from './KeyFilters.js';
import { KeyTable } from './KeyTable.js';
import { sorted } from './sorting.js';
import { filterOf, useKeyView } from './useKeyFilter.js';

/** Keys on a page. */
const SHOWN = 25;
/** As many as the API gives at once. */
const READ = 100;
/** Another order than the API's needs all keys at hand. More than these are a matter for filters. */
const SORTED = 1_000;

/** The workspace's keys: search, filters, order, and how many places of the tier they take. */
export function KeysPage() {
  const [view, change] = useKeyView();
  const filter = filterOf(view);
  const filtered = Object.keys(filter).length > 0;
  const keys = usePages(
    KeysDocument,
    { of: JSON.stringify(filter), variables: (after) => ({ first: READ, after, filter }) },
    (data) => data.apiKeys,
    view.sorting === null ? view.page * SHOWN : SORTED,
  );
  const { nodes, first, total, fault, again, ask } = keys;
  const pages = Math.max(1, Math.ceil((total ?? 0) / SHOWN));
  const page = Math.min(view.page, pages);
  const begin = (page - 1) * SHOWN;
  const shown = sorted(nodes, view.sorting).slice(begin, begin + SHOWN);
  if (fault?.kind === 'forbidden') {
    return (
      <Page title="API keys">
        <FaultNotice fault={fault} />
      </Page>
    );
  }
  const none = first !== null && total === 0;
  return (
    <Page
      title="API keys"
      actions={
        <Button component={Link} href="/keys/new" leftSection={<PlusIcon />}>
          Create API key
        </Button>
      }
    >
      <Places of={first} />
      <KeyFilters view={view} change={change} projects={first?.projects?.nodes ?? []} scopes={scopesOf(nodes)} />
      {fault !== null && <FaultNotice fault={fault} again={again} ask={ask} />}
      <VisuallyHidden role="status">{total === null ? '' : counted(total, 'key')}</VisuallyHidden>
      {first === null && fault === null && <Outline />}
      {none && filtered && (
        <Empty title="No key matches">
          <Button variant="subtle" size="compact-sm" onClick={() => change(NO_FILTER)}>
            Clear search and filters
          </Button>
        </Empty>
      )}
      {none && !filtered && (
        <Empty title="No API keys yet">
          A key lets a server, a job or a person call the API. Create one for each place that calls, with no more scopes
          than it needs.
        </Empty>
      )}
      {view.sorting !== null && total !== null && total > SORTED && (
        <Alert color="yellow">
          The order covers the newest {count(SORTED)} of {count(total)} keys. Search or filter to order all that match.
        </Alert>
      )}
      {shown.length > 0 && (
        <Stack gap="md" opacity={keys.stale ? 0.6 : 1}>
          <KeyTable
            keys={shown}
            sorting={view.sorting}
            sort={(sorting) =>
              change({
                sort: sorting && `${sorting.column} ${sorting.descending ? 'descending' : 'ascending'}`,
              })
            }
          />
          <Group justify="space-between">
            <Text size="sm" c="dimmed" className="number">
              {count(begin + 1)}–{count(begin + shown.length)} of {count(total ?? 0)}
            </Text>
            {pages > 1 && (
              <Box component="nav" aria-label="Pages of the list">
                <Pagination
                  total={pages}
                  value={page}
                  onChange={(page) => change({ page: String(page) })}
                  size="sm"
                  getItemProps={(page) => ({ 'aria-label': `Page ${page}` })}
                  getControlProps={(control) => ({ 'aria-label': CONTROLS[control] })}
                />
              </Box>
            )}
          </Group>
        </Stack>
      )}
    </Page>
  );
}

const CONTROLS = { first: 'First page', previous: 'Previous page', next: 'Next page', last: 'Last page' } as const;

const NO_FILTER = { search: null, status: null, type: null, environment: null, project: null, scope: null } as const;

function Places({ of }: { readonly of: KeysQuery | null }) {
  const workspace = of?.viewer?.workspace;
  if (workspace === undefined) return null;
  const { current, max } = workspace.keys;
  const full = max !== null && current >= max;
  return (
    <Text size="sm" c={full ? undefined : 'dimmed'}>
      {max === null ? `${counted(current, 'key')} in use` : `${count(current)} of ${counted(max, 'key')} in use`} on the{' '}
      {TIERS[workspace.tier]} tier.
      {full && ' There is no place for another: revoke one that is not needed, or upgrade the tier.'}
    </Text>
  );
}

/** Those that are in sight: a filter for a scope that no key has finds none. */
function scopesOf(keys: readonly { readonly scopes: readonly string[] }[]): string[] {
  return [...new Set(keys.flatMap(({ scopes }) => scopes))].sort();
}
