import { Button, Group, Modal, Stack, type ModalProps } from '@mantine/core';
import type { ReactNode, SyntheticEvent } from 'react';
import type { Fault } from '../api/apiFault.js';
import { FaultNotice } from './FaultNotice.js';
import { useReturnFocus } from './useReturnFocus.js';

interface ActDialogProps {
  readonly title: string;
  readonly close: () => void;
  /** The label of the button. */
  readonly action: string;
  readonly color?: string;
  readonly size?: ModalProps['size'];
  /** Whether the input is incomplete. Default: false */
  readonly disabled?: boolean;
  readonly acting: boolean;
  /** null if there is no error, or the invalid field shows it. */
  readonly fault: Fault | null;
  readonly act: () => void;
  readonly children: ReactNode;
}

/** Shows a dialog for one change. It keeps the focus, and returns it afterwards. */
export function ActDialog({ title, close, size, children, ...rest }: ActDialogProps) {
  useReturnFocus();
  const { action, color, disabled, acting, fault, act } = rest;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    // A form within the form of the page would submit both.
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
