import { Alert, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useAct } from '../api/useAct.js';
import { AddCreditsDocument } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { count } from '../parts/words.js';
import { holderOf, type Subject } from './subject.js';
import { wholeNumber } from './wholeNumber.js';

interface AddCreditsDialogProps {
  readonly subject: Subject;
  readonly label: string;
  /** Called after a change. */
  readonly changed: () => void;
  readonly close: () => void;
}

/** Adds credits to a balance, once for each reference. */
export default function AddCreditsDialog({ subject, label, changed, close }: AddCreditsDialogProps) {
  const [amount, setAmount] = useState('');
  const [reference, setReference] = useState('');
  /** The balance, if the credits were added by an earlier call. */
  const [repeated, setRepeated] = useState<number | null>(null);
  const { act, acting, fault } = useAct(AddCreditsDocument);
  const units = wholeNumber(amount);
  const invalid = units === null || reference.trim() === '';
  const send = async (): Promise<void> => {
    if (units === null) return;
    setRepeated(null);
    const done = await act({ ...holderOf(subject), amount: units, idempotencyKey: reference.trim() });
    if (done?.addCredits == null) return;
    changed();
    if (done.addCredits.added) close();
    else setRepeated(done.addCredits.balance);
  };
  return (
    <ActDialog
      title="Add credits"
      action="Add credits"
      close={close}
      disabled={invalid}
      acting={acting}
      fault={fault}
      act={() => void send()}
    >
      <Text size="sm" className="anywhere">
        {label}
      </Text>
      <TextInput
        label="Credits to add"
        inputMode="numeric"
        data-autofocus
        error={amount !== '' && units === null && 'Enter a whole number of at least 1.'}
        value={amount}
        onChange={(event) => setAmount(event.currentTarget.value)}
      />
      <TextInput
        label="Reference"
        description="Such as the number of an invoice. Credits with the same reference are added only once."
        maxLength={64}
        value={reference}
        onChange={(event) => setReference(event.currentTarget.value)}
      />
      {repeated !== null && (
        <Alert color="yellow" role="alert" title="Already added">
          Credits with this reference were added before. The balance is {count(repeated)}.
        </Alert>
      )}
    </ActDialog>
  );
}
