import { Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { formatLocalInput, parseLocalInput } from '../../dates/local.js';
import { formatMoment } from '../../dates/moments.js';
import { useAct } from '../api/useAct.js';
import { ExpireKeyDocument } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { DAY } from '../parts/moments.js';
import { Ago } from '../parts/Moment.js';
import { useNow } from '../parts/useNow.js';
import type { KeyDialogProps } from './KeyActions.js';

/** Sets the moment from which a key is refused. */
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
      title={`Expire “${name}”`}
      action={at !== null && at <= now ? 'End it now' : 'Set the expiry'}
      color={at !== null && at <= now ? 'red' : undefined}
      close={close}
      disabled={moment === null}
      acting={acting}
      fault={fault}
      act={() => moment !== null && void act({ id, at: moment }).then((done) => done && close())}
    >
      <TextInput
        type="datetime-local"
        label="Refused from"
        description="In your own time zone."
        data-autofocus
        value={local}
        onChange={(event) => setLocal(event.currentTarget.value)}
      />
      <Text size="sm" aria-live="polite">
        {moment === null ? (
          'Choose a day and a time.'
        ) : (
          <>
            That is <Ago at={moment} />: {moment.slice(0, 16).replace('T', ' ')} in UTC.
            {at !== null && at <= now && ' A moment that has passed ends the key at once, for good.'}
          </>
        )}
      </Text>
    </ActDialog>
  );
}
