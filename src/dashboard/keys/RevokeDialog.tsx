import { Text, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { normalise } from '../../shared/text/characters.js';
import { useAct } from '../api/useAct.js';
import { RevokeKeyDocument } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { Ago } from '../parts/Moment.js';
import type { KeyDialogProps } from './keyDialog.js';
import { LAST_USED_DELAY } from './sorting.js';

/** Revokes a key. Typing the name confirms that it is the right key. */
export default function RevokeDialog({ apiKey, close }: KeyDialogProps) {
  const { name, lastUsedAt, id } = apiKey;
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const { act, acting, fault } = useAct(RevokeKeyDocument);
  return (
    <ActDialog
      title={`Revoke “${name}”`}
      action="Revoke key"
      color="red"
      close={close}
      disabled={normalise(typed.trim()) !== normalise(name)}
      acting={acting}
      fault={fault}
      act={() => void act({ id, reason: reason.trim() === '' ? null : reason }).then((done) => done && close())}
    >
      <Text size="sm" className="anywhere">
        The key stops working immediately. You cannot undo this.{' '}
        {lastUsedAt === null ? (
          `The key was never used (${LAST_USED_DELAY}).`
        ) : (
          <>
            The key was last used <Ago at={lastUsedAt} /> ({LAST_USED_DELAY}).
          </>
        )}
      </Text>
      <TextInput
        label="Type the name of the key to confirm"
        description={<span className="anywhere">{name}</span>}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <Textarea
        label="Reason"
        description="Optional. It is shown in the audit log."
        autosize
        minRows={2}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ActDialog>
  );
}
