import { Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Asked } from '../api/useAsk.js';
import { FaultNotice } from './FaultNotice.js';

/** What a question was answered; until then its outline, and in its place whatever went wrong. */
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

/** Grey lines where text is about to come. */
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

/** In place of a list without entries: what would be there, and what to do. */
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
