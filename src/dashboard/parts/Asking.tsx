import { Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Asked } from '../api/useAsk.js';
import { FaultNotice } from './FaultNotice.js';

/** Shows the data of a query, a placeholder until the data arrives, or the error. */
export function Asking<Data>({
  asked: { data, fault, again, ask },
  children,
}: {
  readonly asked: Asked<Data>;
  readonly children: (data: Data) => ReactNode;
}) {
  return (
    <>
      {fault !== null && <FaultNotice fault={fault} again={again} ask={ask} />}
      {data !== null && children(data)}
      {data === null && fault === null && <Outline />}
    </>
  );
}

/** Shows grey lines in place of text that is loading. */
export function Outline({ lines = 6 }: { readonly lines?: number }) {
  return (
    <Stack gap="sm" role="status">
      <VisuallyHidden>Loading</VisuallyHidden>
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} h={28} />
      ))}
    </Stack>
  );
}

/** Shows a text in place of an empty list. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <Stack align="center" gap={4} py={48} px="md">
      <Text fw={600}>{title}</Text>
      <Text size="sm" c="dimmed" ta="center" maw={460} component="div">
        {children}
      </Text>
    </Stack>
  );
}
