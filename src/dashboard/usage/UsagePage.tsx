import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { useAsk } from '../api/useAsk.js';
import { UsageReportDocument, type UsageGroup } from '../generated/graphql.js';
import { Asking, Empty } from '../parts/Asking.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { choices } from '../parts/words.js';
import { Page } from '../shell/Page.js';
import { ReportTable } from './ReportTable.js';
import { SPANS } from './reportSpans.js';
import { useExport } from './useExport.js';

const GROUPS: Readonly<Record<UsageGroup, string>> = {
  KEY: 'Key',
  OWNER: 'Owner',
  PROJECT: 'Project',
  OPERATION: 'Operation name',
  ROOT_FIELD: 'Root field',
  WORKSPACE: 'Workspace',
};

const PERIODS = Object.fromEntries(Object.entries(SPANS).map(([name, { label }]) => [name, label]));

/** Shows the usage of the workspace in one period, by a group, and exports it. */
export default function UsagePage() {
  const [params, setParams] = useSearchParams();
  const groupBy = within(GROUPS, params.get('by'), 'KEY');
  const period = within(SPANS, params.get('period'), 'month');
  // Not computed in each render, because the number would change at the end of a period while it is read.
  const [now] = useState(() => Date.now());
  const span = SPANS[period].of(now);
  const asked = useAsk(UsageReportDocument, { groupBy, ...span });
  const { running, fault, save } = useExport();
  const change = (name: string, value: string | null) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        if (value !== null) next.set(name, value);
        return next;
      },
      { replace: true },
    );
  if (asked.fault?.kind === 'forbidden') {
    return (
      <Page title="Usage">
        <FaultNotice fault={asked.fault} />
      </Page>
    );
  }
  return (
    <Page title="Usage">
      <Group gap="sm" align="flex-end" justify="space-between">
        <Group gap="sm" align="flex-end">
          <Choice label="Group by" names={GROUPS} value={groupBy} change={(value) => change('by', value)} />
          <Choice label="Period" names={PERIODS} value={period} change={(value) => change('period', value)} />
        </Group>
        <Button
          variant="default"
          loading={running}
          onClick={() => save({ groupBy, ...span }, `usage-${groupBy.toLowerCase()}-${span.from.slice(0, 10)}.csv`)}
        >
          Export as CSV
        </Button>
      </Group>
      {fault !== null && <FaultNotice fault={fault} />}
      <Asking asked={asked}>
        {({ usage }) =>
          usage === null || usage.nodes.length === 0 ? (
            <Empty title="No requests in this period">Choose another period.</Empty>
          ) : (
            <Stack gap="sm">
              <ReportTable title={GROUPS[groupBy]} rows={usage.nodes} />
              {usage.pageInfo.hasNextPage && (
                <Text size="sm">These are the first 1,000 values by ID. The export has all of them.</Text>
              )}
            </Stack>
          )
        }
      </Asking>
      <Text size="xs" c="dimmed">
        Periods are in UTC. Updated every few seconds.
        {groupBy === 'ROOT_FIELD' && ' A request with several root fields counts for each of them.'}
      </Text>
    </Page>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly names: Readonly<Record<string, string>>;
  readonly value: string;
  readonly change: (value: string | null) => void;
}

function Choice({ label, names, value, change }: ChoiceProps) {
  return <Select label={label} data={choices(names)} value={value} onChange={change} allowDeselect={false} w={180} />;
}

function within<Names extends object>(
  names: Names,
  given: string | null,
  usual: keyof Names & string,
): keyof Names & string {
  return given !== null && Object.hasOwn(names, given) ? (given as keyof Names & string) : usual;
}
