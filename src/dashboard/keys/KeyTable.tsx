import { Anchor, Badge, Group, Paper, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { ArrowDownIcon, ArrowSwitchIcon, ArrowUpIcon } from '@primer/octicons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { KeyRowFragment } from '../generated/graphql.js';
import { Ago } from '../parts/Moment.js';
import { ENVIRONMENTS, TYPES } from '../parts/words.js';
import { kindOf, Scopes, StatusBadges } from './badges.js';
import { COLUMNS, type Column, type Sorting } from './sorting.js';

export interface KeyTableProps {
  readonly keys: readonly KeyRowFragment[];
  readonly sorting: Sorting | null;
  /** null: as the API has them. */
  readonly sort: (sorting: Sorting | null) => void;
}

/** Keys in rows; on a phone, where seven columns have no room, in cards. */
export function KeyTable({ keys, sorting, sort }: KeyTableProps) {
  const narrow = useMediaQuery('(max-width: 61.99em)', false, { getInitialValueInEffect: false });
  if (narrow) return <Cards keys={keys} />;
  return (
    <Table.ScrollContainer minWidth={860} type="native" tabIndex={0} role="region" aria-label="Table of API keys">
      <Table layout="fixed" aria-label="API keys">
        <Table.Thead>
          <Table.Tr>
            {Object.entries(COLUMNS).map(([column, label]) => (
              <SortableHead key={column} column={column as Column} label={label} sorting={sorting} sort={sort} />
            ))}
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
                <Scopes scopes={key.scopes} most={2} />
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

function SortableHead({
  column,
  label,
  sorting,
  sort,
}: Pick<KeyTableProps, 'sorting' | 'sort'> & { readonly column: Column; readonly label: string }) {
  const sortedBy = sorting?.column === column ? sorting : null;
  const direction = sortedBy === null ? 'none' : sortedBy.descending ? 'descending' : 'ascending';
  const Icon = sortedBy === null ? ArrowSwitchIcon : sortedBy.descending ? ArrowDownIcon : ArrowUpIcon;
  const next =
    sortedBy === null ? { column, descending: false } : sortedBy.descending ? null : { column, descending: true };
  return (
    <Table.Th aria-sort={direction} w={WIDTHS[column]}>
      <UnstyledButton onClick={() => sort(next)} fz="sm" fw={600} style={{ whiteSpace: 'nowrap' }}>
        <Group gap={4} wrap="nowrap">
          {label}
          <Icon size={14} className={sortedBy === null ? 'unsorted' : undefined} />
        </Group>
      </UnstyledButton>
    </Table.Th>
  );
}

function Cards({ keys }: Pick<KeyTableProps, 'keys'>) {
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }} aria-label="API keys">
      {keys.map((key) => (
        <Paper component="li" key={key.id} withBorder p="md">
          <Stack gap={8}>
            <Group justify="space-between" align="flex-start" wrap="nowrap">
              <NameOf of={key} />
              <StatusBadges {...key} />
            </Group>
            <Scopes scopes={key.scopes} most={4} />
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
      {source === 'CONFIGURED' ? (
        <Badge color="violet" title="It stands in the server's configuration, and is changed there.">
          Configured
        </Badge>
      ) : (
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
      {project?.name ?? 'All'}
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
      {source === 'CONFIGURED' ? 'Not noted' : 'Never'}
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
