import { Button, Text } from '@mantine/core';
import { useState } from 'react';
import type { SignIn } from '../../shared/signIn.js';

/** Opens the sign-in page of the issuer. Shows an error if the issuer does not respond. */
export function IssuerButton({ issuer, forTab }: { readonly issuer: SignIn; readonly forTab: boolean }) {
  const [leaving, setLeaving] = useState(false);
  const { host } = new URL(issuer.issuer);
  if (issuer.endpoints === null) {
    return (
      <Text size="sm" role="status">
        You cannot sign in with {host} at the moment, because it does not respond. Reload this page in 30 seconds, or
        use a key.
      </Text>
    );
  }
  const leave = async (): Promise<void> => {
    setLeaving(true);
    const { leaveFor } = await import('./issuer.js');
    await leaveFor(issuer, forTab);
  };
  return (
    <Button
      variant="default"
      h="auto"
      mih={36}
      py={6}
      styles={{ label: { whiteSpace: 'normal', overflowWrap: 'anywhere' } }}
      loading={leaving}
      onClick={() => {
        leave().catch(() => setLeaving(false));
      }}
    >
      Sign in with {host}
    </Button>
  );
}
