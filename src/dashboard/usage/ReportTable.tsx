import { Anchor, Progress, Text } from '@mantine/core';
import { Link } from 'wouter';
import type { UsageReportQuery } from '../generated/graphql.js';
import { CountTable } from './CountTable.js';

type Rows = NonNullable<UsageReportQuery['usage']>['nodes'];
type Row = Rows[number];

const COUNTS = [
  { name: 'requests', label: 'Accepted' },
  { name: 'cost', label: 'Cost' },
  { name: 'limited', label: 'Rate limited' },
  { name: 'forbidden', label: 'Missing scope' },
] as const;

/** Shown if the schema has the directives of the cost. */
const COST_UNITS = { name: 'queryCost', label: 'Cost units' } as const;

/** Values that are not IDs or names. */
const WORDS: Readonly<Record<string, string>> = { '(none)': 'None', '(other)': 'Other' };

/** Lists values by their accepted requests, most first. */
export function ReportTable({ title, rows }: { readonly title: string; readonly rows: Rows }) {
  const most = Math.max(1, ...rows.map(({ requests }) => requests));
  const hasCost = rows.some(({ queryCost }) => queryCost > 0);
  return (
    <CountTable
      label={`Usage by ${title.toLowerCase()}`}
      title={title}
      counts={hasCost ? [...COUNTS, COST_UNITS] : COUNTS}
      rows={rows.toSorted((a, b) => b.requests - a.requests || (a.value < b.value ? -1 : 1))}
      keyOf={({ value }) => value}
      cell={(row) => (
        <>
          <Value row={row} />
          <Progress value={(100 * row.requests) / most} size="xs" mt={4} aria-hidden />
        </>
      )}
      minWidth={560}
    />
  );
}

function Value({ row: { value, name } }: { readonly row: Row }) {
  const word = WORDS[value];
  if (word !== undefined) return <Text c="dimmed">{word}</Text>;
  if (value.startsWith('key_')) {
    return (
      <Anchor component={Link} href={`/keys/${value}`} size="sm" className="anywhere">
        {name ?? value}
      </Anchor>
    );
  }
  return name === null ? <code>{value}</code> : <Text title={value}>{name}</Text>;
}
