import { Button, PasswordInput, Stack } from '@mantine/core';
import { useRef, useState, type SyntheticEvent } from 'react';
import { judge } from './judge.js';
import { signIn } from './session.js';

interface KeyFormProps {
  readonly forTab: boolean;
  /** @param fault the reason why the key cannot be used; null if there is no error */
  readonly tell: (fault: string | null) => void;
}

/** Header fields (RFC 9110 section 5.5) and keys contain only these characters. */
const KEY = /^[\x21-\x7e]+$/;

/** Asks for an admin key, and checks it with the server before it is used. */
export function KeyForm({ forTab, tell }: KeyFormProps) {
  const [key, setKey] = useState('');
  const [judging, setJudging] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void open();
  };
  const open = async (): Promise<void> => {
    // Copied together with the name of the scheme.
    const given = key.trim().replace(/^Bearer\s+/i, '');
    setJudging(true);
    tell(null);
    const judgement = KEY.test(given)
      ? await judge(`Bearer ${given}`)
      : {
          opens: false as const,
          fault: 'Keys have no spaces and no special characters. Copy the key again.',
        };
    setJudging(false);
    if (judgement.opens) {
      signIn({ kind: 'key', key: given }, forTab);
      return;
    }
    tell(judgement.fault);
    input.current?.focus();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <PasswordInput
          ref={input}
          label="API key"
          description="An admin key or the operator’s key."
          placeholder="lks_live_…"
          autoComplete="off"
          autoCapitalize="off"
          autoCorrect="off"
          spellCheck={false}
          data-1p-ignore
          data-lpignore="true"
          required
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the key', tabIndex: 0 }}
        />
        <Button type="submit" loading={judging}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}
