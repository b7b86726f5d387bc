import { Text, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { normalise } from '../../text/characters.js';
import { useAct } from '../api/useAct.js';
import { RevokeKeyDocument } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { Ago } from '../parts/Moment.js';
import type { KeyDialogProps } from './KeyActions.js';

/** Ends a key for good. Who types its name has read which one it is. */
export default function RevokeDialog({ apiKey, close }: KeyDialogProps) {
  const { name, lastUsedAt, id } = apiKey;
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const { act, acting, fault } = useAct(RevokeKeyDocument);
  return (
    <ActDialog
      title={`Revoke “${name}”`}
      action="Revoke this key"
      color="red"
      close={close}
      disabled={normalise(typed.trim()) !== normalise(name)}
      acting={acting}
      fault={fault}
      act={() => void act({ id, reason: reason.trim() === '' ? null : reason }).then((done) => done && close())}
    >
      <Text size="sm" className="anywhere">
        From the next request on, everything that uses this key is refused. That cannot be undone.{' '}
        {lastUsedAt === null ? (
          'It was never used.'
        ) : (
          <>
            It was last used <Ago at={lastUsedAt} />.
          </>
        )}
      </Text>
      <TextInput
        label="Type the name of the key"
        description={<span className="anywhere">{name}</span>}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <Textarea
        label="Reason"
        description="For whoever asks later. It stands in the audit log."
        autosize
        minRows={2}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ActDialog>
  );
}
