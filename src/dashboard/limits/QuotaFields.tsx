import { Button, Fieldset, Group, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import type { QuotaUnit, QuotaWindow } from '../generated/graphql.js';
import { choices } from '../parts/words.js';
import { faultsOf, MAX_QUOTAS, NEW_QUOTA, type TypedQuota } from './quotaForm.js';

const WINDOWS: Readonly<Record<QuotaWindow, string>> = { HOUR: 'Hour', DAY: 'Day', MONTH: 'Month' };
const UNITS: Readonly<Record<QuotaUnit, string>> = { REQUESTS: 'Requests', COST: 'Cost units' };

interface QuotaFieldsProps {
  /** null for the tier's quotas. */
  readonly quotas: readonly TypedQuota[] | null;
  readonly change: (quotas: readonly TypedQuota[] | null) => void;
}

/** The fields for the quotas of a subject. */
export function QuotaFields({ quotas, change }: QuotaFieldsProps) {
  const add = (before: readonly TypedQuota[]) =>
    change([...before, { ...NEW_QUOTA, row: (before.at(-1)?.row ?? -1) + 1 }]);
  return (
    <Stack gap="xs">
      <Radio.Group
        label="Quotas"
        value={quotas === null ? 'tier' : 'own'}
        onChange={(value) => (value === 'tier' ? change(null) : add([]))}
      >
        <Group gap="md" mt={4}>
          <Radio value="tier" label="Quotas of the tier" />
          <Radio value="own" label="Other quotas than the tier" />
        </Group>
      </Radio.Group>
      {quotas?.length === 0 && (
        <Text size="sm" c="dimmed">
          No quotas.
        </Text>
      )}
      {quotas?.map((quota, i) => (
        <QuotaRow
          key={quota.row}
          number={i + 1}
          quota={quota}
          all={quotas}
          change={(changed) => change(quotas.map((each) => (each.row === quota.row ? changed : each)))}
          remove={() => change(quotas.filter((each) => each.row !== quota.row))}
        />
      ))}
      {quotas !== null && quotas.length < MAX_QUOTAS && (
        <Group>
          <Button variant="default" size="xs" onClick={() => add(quotas)}>
            Add quota
          </Button>
        </Group>
      )}
    </Stack>
  );
}

interface QuotaRowProps {
  readonly number: number;
  readonly quota: TypedQuota;
  readonly all: readonly TypedQuota[];
  readonly change: (quota: TypedQuota) => void;
  readonly remove: () => void;
}

function QuotaRow({ number, quota, all, change, remove }: QuotaRowProps) {
  const faults = faultsOf(quota, all);
  return (
    <Fieldset legend={`Quota ${number}`} p="sm">
      <Group gap="sm" align="flex-start">
        <TextInput
          label="Limit"
          placeholder="Unlimited"
          inputMode="numeric"
          w={110}
          error={faults.limit}
          value={quota.limit}
          onChange={(event) => change({ ...quota, limit: event.currentTarget.value })}
        />
        <Select
          label="Unit"
          data={choices(UNITS)}
          allowDeselect={false}
          w={125}
          value={quota.unit}
          onChange={(unit) => unit !== null && change({ ...quota, unit })}
        />
        <Select
          label="Per"
          data={choices(WINDOWS)}
          allowDeselect={false}
          w={100}
          error={faults.window}
          value={quota.window}
          onChange={(window) => window !== null && change({ ...quota, window })}
        />
        {quota.window === 'MONTH' && (
          <TextInput
            label="From day"
            placeholder="1"
            inputMode="numeric"
            w={90}
            error={faults.anchorDay}
            value={quota.anchorDay}
            onChange={(event) => change({ ...quota, anchorDay: event.currentTarget.value })}
          />
        )}
        <Button
          variant="subtle"
          color="red"
          size="compact-sm"
          mt={28}
          aria-label={`Remove quota ${number}`}
          onClick={remove}
        >
          Remove
        </Button>
      </Group>
    </Fieldset>
  );
}
