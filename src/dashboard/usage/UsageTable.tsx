import type { UsagePeriod } from '../generated/graphql.js';
import { CountTable } from './CountTable.js';
import { nameOf, SERIES, type Usage } from './usageSeries.js';

/** Lists the usage per period, newest first. */
export function UsageTable({ usage, by }: { readonly usage: Usage; readonly by: UsagePeriod }) {
  return (
    <CountTable
      label={`Usage per ${by === 'HOUR' ? 'hour' : 'day'}`}
      title={by === 'HOUR' ? 'Hour' : 'Day'}
      counts={SERIES}
      rows={usage.toReversed()}
      keyOf={({ start }) => start}
      cell={({ start }) => (
        <time dateTime={start} title={start}>
          {nameOf(start, by)}
        </time>
      )}
      minWidth={420}
      maxHeight={360}
    />
  );
}
