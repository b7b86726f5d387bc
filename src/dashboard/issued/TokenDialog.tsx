import { Alert, Button, Checkbox, Code, Group, Modal, Stack, Text, Textarea } from '@mantine/core';
import { CheckIcon, CopyIcon } from '@primer/octicons-react';
import { useEffect, useRef, useState } from 'react';
import { useReturnFocus } from '../parts/useReturnFocus.js';
import type { Issued } from './issued.js';

/** Shows a token once. Only the confirmation closes the dialog, so that a wrong key press does not lose the token. */
export function TokenDialog({ issued, done }: { readonly issued: Issued; readonly done: () => void }) {
  useReturnFocus();
  const [stored, setStored] = useState(false);
  const [copied, setCopied] = useState<'no' | 'yes' | 'failed'>('no');
  const field = useRef<HTMLTextAreaElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(issued.token);
      setCopied('yes');
    } catch {
      // Pages over plain HTTP have no clipboard. With the token selected, Ctrl+C copies it.
      field.current?.select();
      setCopied('failed');
    }
  };
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      size="lg"
      title={issued.by === 'creation' ? 'Your new API key' : 'Your rotated API key'}
    >
      <Stack>
        <Alert color="yellow" title="Copy it now">
          You won’t be able to see the key “{issued.name}” again. Store it in a secrets manager or an environment
          variable, not in source code.
        </Alert>
        <Textarea
          ref={field}
          label="API key"
          value={issued.token}
          readOnly
          autosize
          spellCheck={false}
          data-autofocus
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', wordBreak: 'break-all' } }}
          onFocus={(event) => event.currentTarget.select()}
        />
        <Group>
          <Button onClick={() => void copy()} leftSection={copied === 'yes' ? <CheckIcon /> : <CopyIcon />}>
            Copy key
          </Button>
          <Text size="sm" role="status">
            {copied === 'yes' && 'Copied.'}
            {copied === 'failed' && 'The browser blocked copying. The key is selected: press Ctrl+C.'}
          </Text>
        </Group>
        <Text size="sm">
          Send it in the header <Code>Authorization: Bearer</Code>. The command line and the client library read it from{' '}
          <Code>LATCHKEY_API_KEY</Code>.
        </Text>
        <Checkbox
          label="I have stored the key"
          description="You won’t be able to see it again."
          checked={stored}
          onChange={(event) => setStored(event.currentTarget.checked)}
        />
        <Group justify="flex-end">
          <Button disabled={!stored} onClick={done}>
            Done
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
