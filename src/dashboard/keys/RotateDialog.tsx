import { Select, Text } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useAct } from '../api/useAct.js';
import { RotateKeyDocument } from '../generated/graphql.js';
import { useShowIssued } from '../issued/issued.js';
import { ActDialog } from '../parts/ActDialog.js';
import { Ago, Moment } from '../parts/Moment.js';
import type { KeyDialogProps } from './keyDialog.js';
import { LAST_USED_DELAY } from './sorting.js';

const OVERLAPS = [
  { value: 'PT0S', label: 'No time: it stops working now' },
  { value: 'PT1H', label: '1 hour' },
  { value: 'P1D', label: '1 day' },
  { value: 'P7D', label: '7 days' },
  { value: 'P30D', label: '30 days' },
  { value: 'P90D', label: '90 days' },
];

/** Replaces a key. The old key keeps working until callers have switched. */
export default function RotateDialog({ apiKey: { id, name, lastUsedAt, expiresAt }, close }: KeyDialogProps) {
  const [overlap, setOverlap] = useState('P1D');
  const { act, acting, fault } = useAct(RotateKeyDocument);
  const show = useShowIssued();
  const [, go] = useLocation();
  const rotate = async () => {
    const answer = await act({ id, overlap });
    if (answer?.rotateApiKey == null) return;
    const { token, apiKey } = answer.rotateApiKey;
    close();
    show({ token, name: apiKey.name, by: 'rotation' });
    go(`/keys/${apiKey.id}`);
  };
  return (
    <ActDialog
      title={`Rotate “${name}”`}
      action="Rotate"
      close={close}
      acting={acting}
      fault={fault}
      act={() => void rotate()}
    >
      <Text size="sm">
        Creates a new key with the same name, scopes and type. Until the old key expires, both count as one key and
        share their rate limits.
      </Text>
      <Select
        label="Keep the old key working for"
        description="Time for callers to switch to the new key."
        data={OVERLAPS}
        allowDeselect={false}
        data-autofocus
        value={overlap}
        onChange={(value) => setOverlap(value ?? 'P1D')}
      />
      <Text size="sm" c="dimmed">
        {lastUsedAt === null ? (
          `The old key was never used (${LAST_USED_DELAY}).`
        ) : (
          <>
            The old key was last used <Ago at={lastUsedAt} /> ({LAST_USED_DELAY}).
          </>
        )}
        {expiresAt !== null && (
          <>
            {' '}
            It expires on <Moment at={expiresAt} /> at the latest.
          </>
        )}
      </Text>
    </ActDialog>
  );
}
