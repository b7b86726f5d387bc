import { Select, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { parseLocalInput } from '../../shared/dates/local.js';
import { formatMoment } from '../../shared/dates/moments.js';
import { useAct } from '../api/useAct.js';
import { SetLimitsDocument, type KeyFactsFragment, type LimitSubjectType } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';

interface LimitsDialogProps {
  readonly apiKey: KeyFactsFragment;
  /** Called after a change. */
  readonly changed: () => void;
  readonly close: () => void;
}

interface Subject {
  readonly type: LimitSubjectType;
  readonly id: string;
  readonly workspaceId?: string;
}

/** Replaces the limits of a key, its owner, its project or its workspace. */
export default function LimitsDialog({ apiKey, changed, close }: LimitsDialogProps) {
  const subjects = subjectsOf(apiKey);
  const [name, setName] = useState('This key');
  const [rate, setRate] = useState('');
  const [burst, setBurst] = useState('');
  const [until, setUntil] = useState('');
  const [reason, setReason] = useState('');
  const { act, acting, fault } = useAct(SetLimitsDocument);
  const subject = subjects.get(name);
  const [perMinute, perSecond] = [limitOf(rate), limitOf(burst)];
  const end = until === '' ? null : parseLocalInput(until);
  const invalid = perMinute === undefined || perSecond === undefined || (until !== '' && end === null);
  const removes = perMinute === null && perSecond === null;
  const send = async (): Promise<void> => {
    if (subject === undefined || invalid) return;
    const moment = end === null || removes ? null : formatMoment(end);
    const text = reason.trim() === '' ? null : reason;
    const done = await act({ subject, rate: perMinute, burst: perSecond, until: moment, reason: text });
    if (done === null) return;
    changed();
    close();
  };
  return (
    <ActDialog
      title="Set limits"
      action={removes ? 'Use the limits of the tier' : 'Set limits'}
      close={close}
      disabled={invalid}
      acting={acting}
      fault={fault}
      act={() => void send()}
    >
      <Select
        label="Limits of"
        data={[...subjects.keys()]}
        allowDeselect={false}
        data-autofocus
        value={name}
        onChange={(value) => value !== null && setName(value)}
      />
      <TextInput
        label="Requests per minute"
        description="Leave it empty to use the limit of the tier."
        inputMode="numeric"
        error={perMinute === undefined && NOT_A_LIMIT}
        value={rate}
        onChange={(event) => setRate(event.currentTarget.value)}
      />
      <TextInput
        label="Requests per second"
        description="Leave it empty to use the limit of the tier."
        inputMode="numeric"
        error={perSecond === undefined && NOT_A_LIMIT}
        value={burst}
        onChange={(event) => setBurst(event.currentTarget.value)}
      />
      <TextInput
        type="datetime-local"
        label="Until"
        description="In your time zone. Leave it empty if the limits have no end."
        value={until}
        onChange={(event) => setUntil(event.currentTarget.value)}
      />
      <TextInput
        label="Reason"
        description="For the audit log."
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Text size="sm" aria-live="polite">
        {removes
          ? 'The limits of the tier apply from the next request on.'
          : 'The new limits apply from the next request on. Used limits are not reset.'}
      </Text>
    </ActDialog>
  );
}

const NOT_A_LIMIT = 'Write a whole number of at least 1.';

/** Returns the limit; null: that of the tier; undefined: the text is invalid. */
function limitOf(text: string): number | null | undefined {
  if (text.trim() === '') return null;
  const limit = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
  return limit >= 1 ? limit : undefined;
}

/** Returns the subjects whose limits the key has, by their names. */
function subjectsOf({ id, workspaceId, externalId, user, project }: KeyFactsFragment): ReadonlyMap<string, Subject> {
  const owner = externalId ?? user?.externalId ?? null;
  const subjects = new Map<string, Subject>([['This key', { type: 'API_KEY', id }]]);
  if (owner !== null) subjects.set(`All keys of ${owner}`, { type: 'EXTERNAL_ID', id: owner, workspaceId });
  else if (user !== null) subjects.set(`All keys of ${user.name}`, { type: 'USER', id: user.id });
  if (project !== null) subjects.set(`All keys of the project ${project.name}`, { type: 'PROJECT', id: project.id });
  return subjects.set('All keys of the workspace', { type: 'WORKSPACE', id: workspaceId });
}
