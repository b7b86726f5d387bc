import { Progress, Table, Text } from '@mantine/core';
import { Link } from 'wouter';
import type { UsageReportQuery } from '../generated/graphql.js';
import { count } from '../parts/words.js';

type Rows = NonNullable<UsageReportQuery['usage']>['nodes'];
type Row = Rows[number];

const COUNTS = [
  { name: 'requests', label: 'Accepted' },
  { name: 'cost', label: 'Cost' },
  { name: 'limited', label: 'Rate limited' },
  { name: 'forbidden', label: 'Missing scope' },
] as const;

/** Values that are not IDs or names. */
const WORDS: Readonly<Record<string, string>> = { '(none)': 'None', '(other)': 'Other' };

/** Lists values by their accepted requests, most first. */
export function ReportTable({ title, rows }: { readonly title: string; readonly rows: Rows }) {
  const most = Math.max(1, ...rows.map(({ requests }) => requests));
  const sorted = rows.toSorted((a, b) => b.requests - a.requests || (a.value < b.value ? -1 : 1));
  return (
    <Table.ScrollContainer minWidth={560} type="native" tabIndex={0} role="region" aria-label="Usage">
      <Table aria-label={`Usage by ${title.toLowerCase()}`}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{title}</Table.Th>
            {COUNTS.map(({ name, label }) => (
              <Table.Th key={name} ta="right">
                {label}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.map((row) => (
            <Table.Tr key={row.value}>
              <Table.Td>
                <Value row={row} />
                <Progress value={(100 * row.requests) / most} size="xs" mt={4} aria-hidden />
              </Table.Td>
              {COUNTS.map(({ name }) => (
                <Table.Td key={name} ta="right" className="number">
                  {count(row[name])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Value({ row: { value, name } }: { readonly row: Row }) {
  const word = WORDS[value];
  if (word !== undefined) return <Text c="dimmed">{word}</Text>;
  if (value.startsWith('key_')) return <Link href={`/keys/${value}`}>{name ?? value}</Link>;
  return name === null ? <code>{value}</code> : <Text title={value}>{name}</Text>;
}
