import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import { count } from '../parts/words.js';

interface CountTableProps<Name extends string, Row extends Readonly<Record<Name, number>>> {
  /** The name of the table for screen readers. */
  readonly label: string;
  /** The title of the first column. */
  readonly title: string;
  readonly counts: readonly { readonly name: Name; readonly label: string }[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Returns the content of the first column. */
  readonly cell: (row: Row) => ReactNode;
  readonly minWidth: number;
  /** Default: as high as its rows. */
  readonly maxHeight?: number;
}

/** Lists counts. It scrolls in its own region, and keeps its header in sight. */
export function CountTable<Name extends string, Row extends Readonly<Record<Name, number>>>(
  props: CountTableProps<Name, Row>,
) {
  const { label, title, counts, rows, keyOf, cell, minWidth, maxHeight } = props;
  return (
    <Table.ScrollContainer
      minWidth={minWidth}
      maxHeight={maxHeight}
      type="native"
      tabIndex={0}
      role="region"
      aria-label="Usage"
    >
      <Table stickyHeader={maxHeight !== undefined} aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{title}</Table.Th>
            {counts.map(({ name, label: column }) => (
              <Table.Th key={name} ta="right">
                {column}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={keyOf(row)}>
              <Table.Td>{cell(row)}</Table.Td>
              {counts.map(({ name }) => (
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
