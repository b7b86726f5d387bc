import { Table } from '@mantine/core';
import type { UsagePeriod } from '../generated/graphql.js';
import { count } from '../parts/words.js';
import { nameOf, SERIES, type Usage } from './usageSeries.js';

/** Lists the usage per period, newest first. */
export function UsageTable({ usage, by }: { readonly usage: Usage; readonly by: UsagePeriod }) {
  return (
    <Table.ScrollContainer minWidth={420} maxHeight={360} type="native" tabIndex={0} role="region" aria-label="Usage">
      <Table stickyHeader aria-label={`Usage per ${by === 'HOUR' ? 'hour' : 'day'}`}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{by === 'HOUR' ? 'Hour' : 'Day'}</Table.Th>
            {SERIES.map(({ name, label }) => (
              <Table.Th key={name} ta="right">
                {label}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {usage.toReversed().map((period) => (
            <Table.Tr key={period.start}>
              <Table.Td>
                <time dateTime={period.start} title={period.start}>
                  {nameOf(period.start, by)}
                </time>
              </Table.Td>
              {SERIES.map(({ name }) => (
                <Table.Td key={name} ta="right" className="number">
                  {count(period[name])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
