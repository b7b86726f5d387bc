import { Button, Group, Modal, Stack, type ModalProps } from '@mantine/core';
import type { ReactNode, SyntheticEvent } from 'react';
import type { Fault } from '../api/fault.js';
import { FaultNotice } from './FaultNotice.js';
import { useReturnFocus } from './useReturnFocus.js';

export interface ActDialogProps {
  readonly title: string;
  readonly close: () => void;
  /** What its button says. */
  readonly action: string;
  readonly color?: string;
  readonly size?: ModalProps['size'];
  /** Why it cannot be done yet. Default: it can. */
  readonly disabled?: boolean;
  readonly acting: boolean;
  /** null: nothing went wrong, or the field tells that is at fault. */
  readonly fault: Fault | null;
  readonly act: () => void;
  readonly children: ReactNode;
}

/** Asks for one change. The focus is kept within, and goes back to where it was. */
export function ActDialog({ title, close, size, children, ...rest }: ActDialogProps) {
  useReturnFocus();
  const { action, color, disabled, acting, fault, act } = rest;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    // A form within a page's form would send both.
    event.stopPropagation();
    if (disabled !== true) act();
  };
  return (
    <Modal opened onClose={close} title={title} size={size} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit} noValidate>
        <Stack>
          {children}
          {fault !== null && <FaultNotice fault={fault} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" color={color} disabled={disabled} loading={acting}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
