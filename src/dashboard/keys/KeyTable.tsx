import { Anchor, Badge, Group, NativeSelect, Paper, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { ArrowDownIcon, ArrowSwitchIcon, ArrowUpIcon } from '@primer/octicons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { KeyRowFragment } from '../generated/graphql.js';
import { Ago } from '../parts/Moment.js';
import { ENVIRONMENTS, TYPES } from '../parts/words.js';
import { KeyScopes, kindOf, StatusBadges } from './badges.js';
import {
  COLUMNS,
  isOrdered,
  LAST_USED_DELAY,
  SORTINGS,
  wordsOf,
  type Column,
  type OrderedColumn,
  type Sorting,
} from './sorting.js';

interface KeyTableProps {
  readonly keys: readonly KeyRowFragment[];
  /** The name of the list for screen readers. Default: API keys */
  readonly label?: string;
  readonly sorting: Sorting | null;
  /** @param order as {@link wordsOf} writes it; null for newest first. Default: the list cannot be sorted */
  readonly sort?: (order: string | null) => void;
}

/** Shows keys as a table, or as cards where the window is too narrow for seven columns. */
export function KeyTable({ keys, label = 'API keys', sorting, sort }: KeyTableProps) {
  const narrow = useMediaQuery('(max-width: 61.99em)', false, { getInitialValueInEffect: false });
  if (narrow) {
    return (
      <Stack gap="sm">
        {sort !== undefined && <SortSelect sorting={sorting} sort={sort} />}
        <Cards keys={keys} label={label} />
      </Stack>
    );
  }
  return (
    <Table.ScrollContainer minWidth={860} type="native" tabIndex={0} role="region" aria-label={`Table of ${label}`}>
      <Table layout="fixed" aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {Object.entries(COLUMNS).map(([column, label]) =>
              sort !== undefined && isOrdered(column) ? (
                <SortableHead key={column} column={column} label={label} sorting={sorting} sort={sort} />
              ) : (
                <Table.Th
                  key={column}
                  w={WIDTHS[column as Column]}
                  title={column === 'lastUsed' ? LAST_USED_DELAY : undefined}
                >
                  {label}
                </Table.Th>
              ),
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {keys.map((key) => (
            <Table.Tr key={key.id}>
              <Table.Td>
                <NameOf of={key} />
              </Table.Td>
              <Table.Td>
                <Text size="sm">{TYPES[key.type]}</Text>
                <Text size="xs" c="dimmed">
                  {ENVIRONMENTS[key.environment]}
                </Text>
              </Table.Td>
              <Table.Td>
                <KeyScopes of={key} most={2} />
              </Table.Td>
              <Table.Td>
                <ProjectOf of={key} />
              </Table.Td>
              <Table.Td>
                <LastUsed of={key} />
              </Table.Td>
              <Table.Td>
                <Expires of={key} />
              </Table.Td>
              <Table.Td>
                <StatusBadges {...key} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const WIDTHS: Readonly<Partial<Record<Column, string>>> = { name: '24%', scopes: '17%', type: '11%', status: '13%' };

type SortProps = Required<Pick<KeyTableProps, 'sorting' | 'sort'>>;

/** Sorts the cards, which have no column headers. */
function SortSelect({ sorting, sort }: SortProps) {
  return (
    <NativeSelect
      label="Sort by"
      data={[...SORTINGS]}
      value={wordsOf(sorting) ?? ''}
      onChange={(event) => sort(event.currentTarget.value === '' ? null : event.currentTarget.value)}
    />
  );
}

function SortableHead({
  column,
  label,
  sorting,
  sort,
}: SortProps & { readonly column: OrderedColumn; readonly label: string }) {
  const sortedBy = sorting?.column === column ? sorting : null;
  const direction = sortedBy === null ? 'none' : sortedBy.descending ? 'descending' : 'ascending';
  const Icon = sortedBy === null ? ArrowSwitchIcon : sortedBy.descending ? ArrowDownIcon : ArrowUpIcon;
  const next =
    sortedBy === null ? { column, descending: false } : sortedBy.descending ? null : { column, descending: true };
  return (
    <Table.Th aria-sort={direction} w={WIDTHS[column]} title={column === 'lastUsed' ? LAST_USED_DELAY : undefined}>
      <UnstyledButton onClick={() => sort(wordsOf(next))} fz="sm" fw={600} style={{ whiteSpace: 'nowrap' }}>
        <Group gap={4} wrap="nowrap">
          {label}
          <Icon size={14} className={sortedBy === null ? 'unsorted' : undefined} />
        </Group>
      </UnstyledButton>
    </Table.Th>
  );
}

function Cards({ keys, label }: Required<Pick<KeyTableProps, 'keys' | 'label'>>) {
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }} aria-label={label}>
      {keys.map((key) => (
        <Paper component="li" key={key.id} withBorder p="md">
          <Stack gap={8}>
            <Group justify="space-between" align="flex-start" wrap="nowrap">
              <NameOf of={key} />
              <StatusBadges {...key} />
            </Group>
            <KeyScopes of={key} most={4} />
            <Group gap="4px 16px">
              <Fact name="Type">{kindOf(key)}</Fact>
              {key.project !== null && <Fact name="Project">{key.project.name}</Fact>}
              <Fact name="Last used">
                <LastUsed of={key} />
              </Fact>
              <Fact name="Expires">
                <Expires of={key} />
              </Fact>
            </Group>
          </Stack>
        </Paper>
      ))}
    </Stack>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
      <Text span size="sm" c="dimmed">
        {name}{' '}
      </Text>
      {children}
    </Text>
  );
}

interface OfKey {
  readonly of: KeyRowFragment;
}

function NameOf({ of: { id, name, prefix, source } }: OfKey) {
  return (
    <Stack gap={2} miw={0}>
      <Anchor component={Link} href={`/keys/${id}`} fw={550} size="sm" lineClamp={2} title={name} className="anywhere">
        {name}
      </Anchor>
      {source === 'CONFIGURED' && (
        <Badge color="violet" title="Defined in the server's configuration">
          Configured
        </Badge>
      )}
      {/* An imported key has no prefix unless its table had one. */}
      {prefix !== '' && (
        <Text size="xs" c="dimmed" ff="monospace" truncate>
          {prefix}…
        </Text>
      )}
    </Stack>
  );
}

function ProjectOf({ of: { project } }: OfKey) {
  return (
    <Text size="sm" lineClamp={2} c={project === null ? 'dimmed' : undefined} className="anywhere">
      {project?.name ?? 'All projects'}
    </Text>
  );
}

function LastUsed({ of: { lastUsedAt, source } }: OfKey) {
  if (lastUsedAt !== null) {
    return (
      <Text size="sm" span>
        <Ago at={lastUsedAt} />
      </Text>
    );
  }
  return (
    <Text size="sm" span c="dimmed">
      {source === 'CONFIGURED' ? 'Not recorded' : 'Never'}
    </Text>
  );
}

function Expires({ of: { expiresAt } }: OfKey) {
  return (
    <Text size="sm" span c={expiresAt === null ? 'dimmed' : undefined}>
      {expiresAt === null ? 'Never' : <Ago at={expiresAt} />}
    </Text>
  );
}
