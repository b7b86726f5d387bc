import { BarChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import type { UsagePeriod } from '../generated/graphql.js';
import { count } from '../parts/words.js';
import { labelOf, nameOf, SERIES, type Usage } from './usageSeries.js';

/**
 * Recharts moves a label at the edge of the chart off its line, and hides the line next to it. With half a label of
 * space at the edges and all ticks shown, each label stays at its line.
 */
const MARGIN = { top: 10, right: 20, bottom: 0, left: 0 };

/** Shows usage as stacked bars. For screen readers, the chart is an image; they read the totals and the table instead. */
export function UsageBars({ usage, by }: { readonly usage: Usage; readonly by: UsagePeriod }) {
  return (
    <div role="img" aria-label={`Requests per ${by === 'HOUR' ? 'hour' : 'day'}. The table shows the same numbers.`}>
      <BarChart
        h={220}
        // Two hours can have the same label: the first and the last, or one repeated when clocks go back. Starts are unique.
        data={usage.map(({ start, requests, limited, forbidden }) => ({ start, requests, limited, forbidden }))}
        dataKey="start"
        type="stacked"
        series={[...SERIES]}
        valueFormatter={count}
        tickLine="none"
        gridProps={{ syncWithTicks: true }}
        xAxisProps={{
          interval: 'equidistantPreserveStart',
          minTickGap: 16,
          tickFormatter: (start: string) => labelOf(start, by),
        }}
        yAxisProps={{ allowDecimals: false, width: 48, interval: 0 }}
        tooltipProps={{
          // The type of Mantine does not allow the function that Recharts accepts.
          itemSorter: placeOf as never,
          labelFormatter: (start) => (typeof start === 'string' ? nameOf(start, by) : start),
        }}
        barChartProps={{ accessibilityLayer: false, margin: MARGIN }}
      />
    </div>
  );
}

function placeOf({ dataKey }: { readonly dataKey?: unknown }): number {
  return SERIES.findIndex(({ name }) => name === dataKey);
}
