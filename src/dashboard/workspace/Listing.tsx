import { Button, Stack, Table, Text } from '@mantine/core';
import { Children, type ReactNode } from 'react';
import type { Pages } from '../api/usePages.js';
import { Outline } from '../parts/Asking.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { Part } from '../parts/Part.js';

interface ListingProps {
  readonly title: string;
  /** The label of the button that adds an entry. */
  readonly add: string;
  readonly onAdd: () => void;
  readonly pages: Pages<unknown, unknown>;
  readonly more: () => void;
  /** The text for an empty list. */
  readonly empty: string;
  /** The rows. */
  readonly children: ReactNode;
  /** The open dialog; false if none. */
  readonly dialog: ReactNode;
}

/** Shows a short list as a part of a page. */
export function Listing({ title, add, onAdd, pages, more, empty, children, dialog }: ListingProps) {
  const { first, fault, again, ask, whole, stale } = pages;
  const none = Children.count(children) === 0;
  return (
    <Part
      title={title}
      actions={
        <Button variant="default" size="xs" onClick={onAdd}>
          {add}
        </Button>
      }
    >
      <Stack gap="sm">
        {fault !== null && <FaultNotice fault={fault} again={again} ask={ask} />}
        {first === null && fault === null && <Outline lines={3} />}
        {first !== null && none && (
          <Text size="sm" c="dimmed">
            {empty}
          </Text>
        )}
        {!none && (
          <Table aria-label={title}>
            <Table.Tbody>{children}</Table.Tbody>
          </Table>
        )}
        {!none && !whole && !stale && (
          <Button variant="subtle" size="compact-sm" onClick={more}>
            Show more
          </Button>
        )}
      </Stack>
      {dialog}
    </Part>
  );
}
