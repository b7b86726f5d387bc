import { Button, ColorSwatch, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { formatMoment } from '../../shared/dates/moments.js';
import { useAsk } from '../api/useAsk.js';
import { KeyUsageDocument, type UsagePeriod } from '../generated/graphql.js';
import { Asking } from '../parts/Asking.js';
import { DAY } from '../parts/relativeTime.js';
import { count } from '../parts/words.js';
import { SERIES, type Usage } from './usageSeries.js';
import { UsageBars } from './UsageBars.js';
import { UsageTable } from './UsageTable.js';

const SPANS = {
  hours: { label: 'Last 24 hours', by: 'HOUR', span: DAY },
  days: { label: 'Last 30 days', by: 'DAY', span: 30 * DAY },
} as const satisfies Record<string, { label: string; by: UsagePeriod; span: number }>;

/** Shows the requests of a key per hour or per day, as bars or as a table. */
export default function UsagePanel({ id }: { readonly id: string }) {
  const [{ span, from }, setView] = useState(() => viewOf('hours'));
  const [asTable, setAsTable] = useState(false);
  const { by } = SPANS[span];
  const asked = useAsk(KeyUsageDocument, { id, by, from });
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <SegmentedControl
          aria-label="Period"
          value={span}
          onChange={(value) => setView(viewOf(value as keyof typeof SPANS))}
          data={Object.entries(SPANS).map(([value, { label }]) => ({ value, label }))}
        />
        <Button variant="default" size="compact-sm" onClick={() => setAsTable(!asTable)}>
          {asTable ? 'Show as a chart' : 'Show as a table'}
        </Button>
      </Group>
      <Asking asked={asked}>
        {({ apiKey }) => (
          <Stack gap="sm">
            <Totals usage={apiKey?.usage ?? []} />
            {asTable ? (
              <UsageTable usage={apiKey?.usage ?? []} by={by} />
            ) : isEmpty(apiKey?.usage ?? []) ? (
              <Text size="sm" c="dimmed">
                No requests in this period.
              </Text>
            ) : (
              <UsageBars usage={apiKey?.usage ?? []} by={by} />
            )}
          </Stack>
        )}
      </Asking>
      <Text size="xs" c="dimmed">
        Updated every few seconds. {by === 'HOUR' ? 'Hours are in your time zone.' : 'Days are in UTC.'}
      </Text>
    </Stack>
  );
}

/** Keeps the time at which the period was chosen, because a new time would send a new query with every render. */
function viewOf(span: keyof typeof SPANS): { readonly span: keyof typeof SPANS; readonly from: string } {
  return { span, from: formatMoment(Date.now() - SPANS[span].span + 1) };
}

/** Shows the total of each count. It is also the legend of the chart, so that the two cannot differ. */
function Totals({ usage }: { readonly usage: Usage }) {
  return (
    <Group component="ul" gap="8px 24px" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Totals">
      {SERIES.map(({ name, label, color }) => (
        <li key={name}>
          <Group gap={6} wrap="nowrap">
            <ColorSwatch
              color={`var(--mantine-color-${color.replace('.', '-')})`}
              size={10}
              withShadow={false}
              aria-hidden
            />
            <Text size="xs" c="dimmed">
              {label}
            </Text>
          </Group>
          <Text size="lg" fw={600} className="number">
            {count(usage.reduce((sum, period) => sum + period[name], 0))}
          </Text>
        </li>
      ))}
    </Group>
  );
}

function isEmpty(usage: Usage): boolean {
  return usage.every((period) => SERIES.every(({ name }) => period[name] === 0));
}
