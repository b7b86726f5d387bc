import { BarChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { formatMoment } from '../../dates/moments.js';
import { useAsk } from '../api/useAsk.js';
import { KeyUsageDocument, type UsagePeriod } from '../generated/graphql.js';
import { Asking } from '../parts/Asking.js';
import { DAY } from '../parts/moments.js';
import { count } from '../parts/words.js';
import { SERIES, shortly, type Usage } from './usage.js';
import { UsageTable } from './UsageTable.js';

const SPANS = {
  hours: { label: 'Last 24 hours', by: 'HOUR', span: DAY },
  days: { label: 'Last 30 days', by: 'DAY', span: 30 * DAY },
} as const satisfies Record<string, { label: string; by: UsagePeriod; span: number }>;

/** What a key asked for, by hour or by day: as bars, and as the numbers behind them. */
export default function UsagePanel({ id }: { readonly id: string }) {
  const [{ span, from }, setView] = useState(() => viewOf('hours'));
  const [asTable, setAsTable] = useState(false);
  const { by } = SPANS[span];
  const asked = useAsk(KeyUsageDocument, { id, by, from });
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <SegmentedControl
          aria-label="Time"
          value={span}
          onChange={(value) => setView(viewOf(value as keyof typeof SPANS))}
          data={Object.entries(SPANS).map(([value, { label }]) => ({ value, label }))}
        />
        <Button variant="default" size="compact-sm" onClick={() => setAsTable(!asTable)}>
          {asTable ? 'Show as bars' : 'Show as a table'}
        </Button>
      </Group>
      <Asking asked={asked}>
        {({ apiKey }) => (
          <Stack gap="sm">
            <Sums usage={apiKey?.usage ?? []} />
            {asTable ? (
              <UsageTable usage={apiKey?.usage ?? []} by={by} />
            ) : isEmpty(apiKey?.usage ?? []) ? (
              <Text size="sm" c="dimmed">
                It asked for nothing in this time.
              </Text>
            ) : (
              <Bars usage={apiKey?.usage ?? []} by={by} />
            )}
          </Stack>
        )}
      </Asking>
      <Text size="xs" c="dimmed">
        Some seconds behind. {by === 'HOUR' ? 'Hours in your own time zone.' : 'Days are those of UTC.'}
      </Text>
    </Stack>
  );
}

/** The moment stays what it was when the span was chosen, or each look at it would be another question. */
function viewOf(span: keyof typeof SPANS): { readonly span: keyof typeof SPANS; readonly from: string } {
  return { span, from: formatMoment(Date.now() - SPANS[span].span + 1) };
}

function Sums({ usage }: { readonly usage: Usage }) {
  return (
    <Group gap="xl">
      {SERIES.map(({ name, label }) => (
        <div key={name}>
          <Text size="xs" c="dimmed">
            {label}
          </Text>
          <Text size="lg" fw={600} className="number">
            {count(usage.reduce((sum, period) => sum + period[name], 0))}
          </Text>
        </div>
      ))}
    </Group>
  );
}

function isEmpty(usage: Usage): boolean {
  return usage.every((period) => SERIES.every(({ name }) => period[name] === 0));
}

/** For the eye: who cannot see it has the sums above, and the table. */
function Bars({ usage, by }: { readonly usage: Usage; readonly by: UsagePeriod }) {
  return (
    <div role="img" aria-label={`Requests by ${by === 'HOUR' ? 'hour' : 'day'}, as bars. The table has the numbers.`}>
      <BarChart
        h={220}
        data={usage.map(({ start, requests, limited, forbidden }) => ({
          // The first and the last hour of a day have the same label, so that only the moment tells bars apart.
          start,
          requests,
          limited,
          forbidden,
        }))}
        dataKey="start"
        type="stacked"
        series={[...SERIES]}
        withLegend
        // oxlint-disable-next-line typescript/no-deprecated -- What takes its place lays the chart out anew.
        legendProps={{ verticalAlign: 'bottom' }}
        valueFormatter={count}
        tickLine="none"
        xAxisProps={{ minTickGap: 24, tickFormatter: (start: string) => shortly(start, by) }}
        tooltipProps={{ labelFormatter: (start) => (typeof start === 'string' ? shortly(start, by) : start) }}
        yAxisProps={{ allowDecimals: false, width: 44 }}
        barChartProps={{ accessibilityLayer: false }}
      />
    </div>
  );
}
