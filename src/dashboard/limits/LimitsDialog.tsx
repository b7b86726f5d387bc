import { Select, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { formatLocalInput, parseLocalInput } from '../../shared/dates/local.js';
import { formatMoment } from '../../shared/dates/moments.js';
import { useAct } from '../api/useAct.js';
import { useAsk } from '../api/useAsk.js';
import { LimitsOfDocument, SetLimitsDocument, type OverrideFragment } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { Outline } from '../parts/Asking.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { QuotaFields } from './QuotaFields.js';
import { faultsOf, quotaInputs, typedQuotas, type TypedQuota } from './quotaForm.js';
import type { NamedSubject } from './subject.js';
import { wholeNumber } from './wholeNumber.js';

interface LimitsDialogProps {
  /** The subjects to choose from, at least one. */
  readonly subjects: readonly NamedSubject[];
  /** Called after a change. */
  readonly changed: () => void;
  readonly close: () => void;
}

/** The limits as they are typed. Empty texts stand for the tier's values. */
interface Typed {
  readonly rate: string;
  readonly burst: string;
  readonly quotas: readonly TypedQuota[] | null;
  readonly until: string;
  readonly reason: string;
}

const EMPTY: Typed = { rate: '', burst: '', quotas: null, until: '', reason: '' };

/** Replaces the limits and quotas of a key, its owner, its project or its workspace. */
export default function LimitsDialog({ subjects, changed, close }: LimitsDialogProps) {
  const [label, setLabel] = useState(subjects[0]?.label ?? '');
  const { act, acting, fault } = useAct(SetLimitsDocument);
  const { subject } = subjects.find((each) => each.label === label) ?? subjects[0] ?? NO_SUBJECT;
  // Setting limits replaces all limits that were set before, so the form starts with their values.
  const asked = useAsk(LimitsOfDocument, { subject }, { requestPolicy: 'network-only' });
  const before = asked.data?.limitsOf?.override ?? null;
  const [edited, setEdited] = useState<{ readonly of: string; readonly typed: Typed } | null>(null);
  const typed = edited?.of === label ? edited.typed : typedOf(before);
  const change = (changes: Partial<Typed>) => setEdited({ of: label, typed: { ...typed, ...changes } });
  const isLoading = asked.data === null && asked.fault === null;
  const checked = check(typed, before);
  const send = async (): Promise<void> => {
    if (checked === null) return;
    const done = await act({ subject, ...checked, reason: typed.reason.trim() === '' ? null : typed.reason });
    if (done === null) return;
    changed();
    close();
  };
  const removes = checked !== null && isEmpty(checked);
  return (
    <ActDialog
      title="Set limits"
      action={removes ? 'Use the limits of the tier' : 'Set limits'}
      size="lg"
      close={close}
      disabled={checked === null || isLoading}
      acting={acting}
      fault={fault}
      act={() => void send()}
    >
      {subjects.length > 1 ? (
        <Select
          label="Limits of"
          data={subjects.map((each) => each.label)}
          allowDeselect={false}
          data-autofocus
          value={label}
          onChange={(value) => value !== null && setLabel(value)}
        />
      ) : (
        <Text size="sm" className="anywhere">
          {label}
        </Text>
      )}
      {asked.fault !== null && <FaultNotice fault={asked.fault} again={asked.again} ask={asked.ask} />}
      {isLoading ? <Outline lines={4} /> : <Fields typed={typed} change={change} />}
      <Text size="sm" aria-live="polite">
        {removes
          ? 'The limits of the tier apply from the next request on.'
          : 'The new limits apply from the next request on. Used limits are not reset.'}
      </Text>
    </ActDialog>
  );
}

const NO_SUBJECT: NamedSubject = { label: '', subject: { type: 'WORKSPACE', id: '' } };

interface FieldsProps {
  readonly typed: Typed;
  readonly change: (changes: Partial<Typed>) => void;
}

function Fields({ typed, change }: FieldsProps) {
  return (
    <>
      <TextInput
        label="Requests per minute"
        description="Leave it empty to use the limit of the tier."
        inputMode="numeric"
        error={limitOf(typed.rate) === undefined && NOT_A_LIMIT}
        value={typed.rate}
        onChange={(event) => change({ rate: event.currentTarget.value })}
      />
      <TextInput
        label="Requests per second"
        description="Leave it empty to use the limit of the tier."
        inputMode="numeric"
        error={limitOf(typed.burst) === undefined && NOT_A_LIMIT}
        value={typed.burst}
        onChange={(event) => change({ burst: event.currentTarget.value })}
      />
      <QuotaFields quotas={typed.quotas} change={(quotas) => change({ quotas })} />
      <TextInput
        type="datetime-local"
        label="Until"
        description="In your time zone. Leave it empty if the limits have no end."
        value={typed.until}
        onChange={(event) => change({ until: event.currentTarget.value })}
      />
      <TextInput
        label="Reason"
        description="For the audit log."
        maxLength={500}
        value={typed.reason}
        onChange={(event) => change({ reason: event.currentTarget.value })}
      />
    </>
  );
}

const NOT_A_LIMIT = 'Enter a whole number of at least 1.';

/** @param override null if there is none */
function typedOf(override: OverrideFragment | null): Typed {
  if (override === null || !override.active) return EMPTY;
  const { rate, burst, quotas, until, reason } = override;
  return {
    rate: rate === null ? '' : String(rate),
    burst: burst === null ? '' : String(burst),
    quotas: typedQuotas(quotas),
    until: until === null ? '' : formatLocalInput(Date.parse(until)),
    reason: reason ?? '',
  };
}

/** Returns the limits as the API takes them; null if a field is invalid. @param before the limits that were set before */
function check({ rate, burst, quotas, until }: Typed, before: OverrideFragment | null) {
  const [perMinute, perSecond] = [limitOf(rate), limitOf(burst)];
  const end = endOf(until, before);
  if (perMinute === undefined || perSecond === undefined || end === undefined) return null;
  if (quotas?.some((quota) => Object.keys(faultsOf(quota, quotas)).length > 0) === true) return null;
  const limits = { rate: perMinute, burst: perSecond, quotas: quotas && quotaInputs(quotas) };
  return { ...limits, until: isEmpty(limits) ? null : end };
}

/** Returns the end; null if there is none; undefined if the text is invalid. */
function endOf(until: string, before: OverrideFragment | null): string | null | undefined {
  if (until === '') return null;
  // The field has no seconds: if it was not changed, the end stays exactly as it is.
  if (before?.until != null && formatLocalInput(Date.parse(before.until)) === until) return before.until;
  const end = parseLocalInput(until);
  return end === null ? undefined : formatMoment(end);
}

function isEmpty({ rate, burst, quotas }: { rate: unknown; burst: unknown; quotas: unknown }): boolean {
  return rate === null && burst === null && quotas === null;
}

/** Returns the limit; null for the limit of the tier; undefined if the text is invalid. */
function limitOf(text: string): number | null | undefined {
  return text.trim() === '' ? null : (wholeNumber(text) ?? undefined);
}
