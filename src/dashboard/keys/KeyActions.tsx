import { Button, Group } from '@mantine/core';
import { CalendarIcon, PencilIcon, SyncIcon, TrashIcon } from '@primer/octicons-react';
import { lazy, Suspense, useState } from 'react';
import type { KeyFactsFragment } from '../generated/graphql.js';

const EditDialog = lazy(() => import('./EditDialog.js'));
const ExpireDialog = lazy(() => import('./ExpireDialog.js'));
const RevokeDialog = lazy(() => import('./RevokeDialog.js'));
const RotateDialog = lazy(() => import('./RotateDialog.js'));

const DIALOGS = { edit: EditDialog, rotate: RotateDialog, expire: ExpireDialog, revoke: RevokeDialog } as const;

/** Shows the actions on an active key. Expired and revoked keys cannot be changed. */
export function KeyActions({ apiKey }: { readonly apiKey: KeyFactsFragment }) {
  const [dialog, setDialog] = useState<keyof typeof DIALOGS | null>(null);
  if (apiKey.source === 'CONFIGURED' || apiKey.status !== 'ACTIVE') return null;
  const Dialog = dialog && DIALOGS[dialog];
  return (
    <Group gap="xs">
      <Button variant="default" leftSection={<PencilIcon />} onClick={() => setDialog('edit')}>
        Edit
      </Button>
      {apiKey.replacedBy === null && (
        <Button variant="default" leftSection={<SyncIcon />} onClick={() => setDialog('rotate')}>
          Rotate
        </Button>
      )}
      <Button variant="default" leftSection={<CalendarIcon />} onClick={() => setDialog('expire')}>
        Expire
      </Button>
      <Button color="red" leftSection={<TrashIcon />} onClick={() => setDialog('revoke')}>
        Revoke
      </Button>
      {Dialog !== null && (
        <Suspense fallback={null}>
          <Dialog apiKey={apiKey} close={() => setDialog(null)} />
        </Suspense>
      )}
    </Group>
  );
}
