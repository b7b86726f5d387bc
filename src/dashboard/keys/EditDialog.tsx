import { Textarea } from '@mantine/core';
import { useState } from 'react';
import { useAct } from '../api/useAct.js';
import { useAsk } from '../api/useAsk.js';
import { KnownScopesDocument, UpdateKeyDocument } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { Asking } from '../parts/Asking.js';
import { NameInput } from '../parts/NameInput.js';
import { addressesFault, linesOf } from './addresses.js';
import type { KeyDialogProps } from './keyDialog.js';
import { ScopePicker } from './ScopePicker.js';

/** Changes the name, scopes and allowed addresses of a key. */
export default function EditDialog({ apiKey, close }: KeyDialogProps) {
  const [name, setName] = useState(apiKey.name);
  const [scopes, setScopes] = useState(apiKey.scopes);
  const [addresses, setAddresses] = useState(apiKey.allowedAddresses.join('\n'));
  const asked = useAsk(KnownScopesDocument, {}, { requestPolicy: 'cache-first' });
  const { act, acting, fault } = useAct(UpdateKeyDocument);
  const wrongAddresses = addressesFault(addresses);
  const faultAt = (field: string) => (fault?.kind === 'refused' && fault.field === field ? fault.message : null);
  const told = ['name', 'scopes', 'allowedAddresses'].some((field) => faultAt(field) !== null);
  const save = async () => {
    // Unchanged fields are not sent, because someone else may have changed them in the meantime.
    const input = {
      id: apiKey.id,
      ...(name.trim() !== apiKey.name && { name }),
      ...(!same(scopes, apiKey.scopes) && { scopes }),
      ...(!same(linesOf(addresses), apiKey.allowedAddresses) && { allowedAddresses: linesOf(addresses) }),
    };
    if (Object.keys(input).length === 1 || (await act(input)) !== null) close();
  };
  return (
    <ActDialog
      title="Edit API key"
      action="Save"
      size="lg"
      close={close}
      disabled={name.trim() === '' || scopes.length === 0 || wrongAddresses !== null}
      acting={acting}
      fault={told ? null : fault}
      act={() => void save()}
    >
      <NameInput value={name} change={setName} error={name.trim() === '' ? 'Give the key a name.' : faultAt('name')} />
      <Asking asked={asked}>
        {({ scopes: listings }) => (
          <ScopePicker
            listings={listings}
            type={apiKey.type}
            chosen={scopes}
            choose={setScopes}
            fault={scopes.length === 0 ? 'Choose at least one scope.' : faultAt('scopes')}
          />
        )}
      </Asking>
      <Textarea
        label="Allowed addresses"
        description="One per line. Leave empty to allow any address."
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        value={addresses}
        error={wrongAddresses ?? faultAt('allowedAddresses')}
        onChange={(event) => setAddresses(event.currentTarget.value)}
      />
    </ActDialog>
  );
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item) => other.includes(item));
}
