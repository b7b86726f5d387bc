import { Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { formatLocalInput, parseLocalInput } from '../../shared/dates/local.js';
import { formatMoment } from '../../shared/dates/moments.js';
import { useAct } from '../api/useAct.js';
import { ExpireKeyDocument } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { DAY } from '../parts/relativeTime.js';
import { Ago } from '../parts/Moment.js';
import { useNow } from '../parts/useNow.js';
import type { KeyDialogProps } from './keyDialog.js';

/** Sets the time from which a key is rejected. */
export default function ExpireDialog({ apiKey: { id, name, expiresAt }, close }: KeyDialogProps) {
  const now = useNow();
  const [local, setLocal] = useState(() =>
    formatLocalInput(expiresAt === null ? Date.now() + 7 * DAY : Date.parse(expiresAt)),
  );
  const { act, acting, fault } = useAct(ExpireKeyDocument);
  const at = parseLocalInput(local);
  const moment = at === null ? null : formatMoment(at);
  return (
    <ActDialog
      title={`Set the expiry of “${name}”`}
      action={at !== null && at <= now ? 'Expire now' : 'Set expiry'}
      color={at !== null && at <= now ? 'red' : undefined}
      close={close}
      disabled={moment === null}
      acting={acting}
      fault={fault}
      act={() => moment !== null && void act({ id, at: moment }).then((done) => done && close())}
    >
      <TextInput
        type="datetime-local"
        label="Expires"
        description="In your time zone."
        data-autofocus
        value={local}
        onChange={(event) => setLocal(event.currentTarget.value)}
      />
      <Text size="sm" aria-live="polite">
        {moment === null ? (
          'Choose a date and a time.'
        ) : (
          <>
            {at !== null && at <= now ? 'That was' : 'The key expires'} <Ago at={moment} /> (
            {moment.slice(0, 16).replace('T', ' ')} UTC).
            {at !== null &&
              at <= now &&
              ' This time is in the past: the key stops working immediately, and you cannot undo it.'}
          </>
        )}
      </Text>
    </ActDialog>
  );
}
