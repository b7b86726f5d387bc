import { Box, Button, Group, Pagination, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import { PlusIcon } from '@primer/octicons-react';
import type { CombinedError } from '@urql/core';
import { Link } from 'wouter';
import { usePages } from '../api/usePages.js';
import { KeysDocument, type KeysQuery } from '../generated/graphql.js';
import { Empty, Outline } from '../parts/Asking.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { count, counted, tierLabel } from '../parts/words.js';
import { Page } from '../shell/Page.js';
import { isLookedUp, reduce } from './reducedClue.js';
import { KeyFilters } from './KeyFilters.js';
import { KeyTable } from './KeyTable.js';
import { orderOf } from './sorting.js';
import { filterOf, useKeyView } from './useKeyFilter.js';

/** Keys per page. */
const SHOWN = 25;
/** The number of keys per request, which is the maximum that the API allows: four pages of the list. */
const READ = 100;

/** Shows the workspace's keys. The API searches, filters and sorts them. */
export function KeysPage() {
  const [view, change] = useKeyView();
  const filter = filterOf(view);
  const filtered = Object.keys(filter).length > 0;
  const orderBy = orderOf(view.sorting);
  const text = view.search.trim();
  const lookUp = { text, find: isLookedUp(text) };
  const keys = usePages(KeysDocument, {
    of: JSON.stringify([filter, orderBy, lookUp]),
    variables: (after) => ({ first: READ, after, filter, orderBy, ...(after === null && lookUp) }),
    pageOf: (data) => data.apiKeys,
    needed: view.page * SHOWN,
    isHarmless: isNotFound,
  });
  const { nodes, first, total, fault, note, again, ask } = keys;
  const pages = Math.max(1, Math.ceil((total ?? 0) / SHOWN));
  const page = Math.min(view.page, pages);
  const begin = (page - 1) * SHOWN;
  const shown = nodes.slice(begin, begin + SHOWN);
  const found = first?.findApiKeys ?? [];
  if (fault?.kind === 'forbidden') {
    return (
      <Page title="API keys">
        <FaultNotice fault={fault} />
      </Page>
    );
  }
  const none = first !== null && total === 0 && found.length === 0;
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
      {note !== null && reduce(text).kind === 'token' && (
        <Text size="sm" role="alert">
          {note}
        </Text>
      )}
      {fault !== null && <FaultNotice fault={fault} again={again} ask={ask} />}
      <VisuallyHidden role="status">{total === null ? '' : counted(total + found.length, 'key')}</VisuallyHidden>
      {first === null && fault === null && <Outline />}
      {none && filtered && (
        <Empty title="No keys match">
          {lookUp.find && <Text size="sm">No key of this workspace has this name, ID, prefix or token.</Text>}
          {text.includes('sha256:') && (
            <Text size="sm">
              A key that was imported with a bcrypt hash is not found by its token. Search for its prefix or its name.
            </Text>
          )}
          <Button variant="subtle" size="compact-sm" onClick={() => change(NO_FILTER)}>
            Clear search and filters
          </Button>
        </Empty>
      )}
      {none && !filtered && (
        <Empty title="No API keys yet">
          A key lets a server, a job or a person call the API. Create a separate key for each of them, with only the
          scopes that it needs.
        </Empty>
      )}
      {found.length > 0 && (
        <Stack component="section" gap="sm" opacity={keys.stale ? 0.6 : 1} aria-labelledby="found">
          <Title order={2} size="h5" id="found">
            {found.length === 1 ? 'Key with this ID or token' : 'Keys with this ID or token'}
          </Title>
          <KeyTable keys={found} label="Found keys" sorting={null} />
          {shown.length > 0 && (
            <Title order={2} size="h5">
              Keys with this name
            </Title>
          )}
        </Stack>
      )}
      {shown.length > 0 && (
        <Stack gap="md" opacity={keys.stale ? 0.6 : 1}>
          <KeyTable keys={shown} sorting={view.sorting} sort={(sort) => change({ sort })} />
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
      {max === null ? `${counted(current, 'key')} in use` : `${count(current)} of ${counted(max, 'key')} in use`} (
      {tierLabel(workspace.tier)} tier).
      {full && ' To create another, revoke one that you do not need or change to a higher tier.'}
    </Text>
  );
}

/** Returns whether the API refused the text of the search as a token. It may still be a part of a name. */
function isNotFound({ graphQLErrors }: CombinedError): boolean {
  return (
    graphQLErrors.length > 0 &&
    graphQLErrors.every(({ path, extensions }) => path?.[0] === 'findApiKeys' && extensions.code === 'BAD_USER_INPUT')
  );
}

/** Returns the scopes of the keys that were read. A filter by any other scope finds nothing. */
function scopesOf(keys: readonly { readonly scopes: readonly string[] }[]): string[] {
  return [...new Set(keys.flatMap(({ scopes }) => scopes))].sort();
}
