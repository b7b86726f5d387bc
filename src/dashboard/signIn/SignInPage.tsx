import { Alert, Center, Checkbox, Divider, Loader, Paper, Stack, Text, Title } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { SignIn } from '../../shared/signIn.js';
import { callback } from './callback.js';
import { configuration } from './signInConfiguration.js';
import { IssuerButton } from './IssuerButton.js';
import { judge } from './judge.js';
import { KeyForm } from './KeyForm.js';
import { signIn, useSession } from './session.js';

/** Kept until the page is loaded again, because a response of the issuer can only be used once. */
let returning = callback;

/** Signs people in with an admin key, or with the issuer if one is configured. */
export function SignInPage() {
  const session = useSession();
  const [fault, setFault] = useState<string | null>(null);
  const [forTab, setForTab] = useState(false);
  const [issuer, setIssuer] = useState<SignIn | null>(null);
  const [waiting, setWaiting] = useState(returning !== null);
  useEffect(() => {
    document.title = 'Sign in · Latchkey';
    if (returning !== null) {
      const parameters = returning;
      returning = null;
      void finish(parameters).then((wrong) => {
        setFault(wrong);
        setWaiting(false);
      });
    }
    let shown = true;
    configuration().then(
      ({ oidc }) => shown && setIssuer(oidc),
      () => undefined,
    );
    return () => void (shown = false);
  }, []);

  const told = fault ?? (session.state === 'signedOut' ? session.reason : null);
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder p="xl" w="100%" maw={440}>
        <Stack>
          <Title order={1} size="h3">
            Sign in to Latchkey
          </Title>
          {told !== null && <Alert color="red">{told}</Alert>}
          {waiting ? (
            <Center role="status" py="xl">
              <Loader aria-hidden />
              <Text ml="md">Signing you in</Text>
            </Center>
          ) : (
            <>
              <KeyForm forTab={forTab} tell={setFault} />
              {issuer !== null && (
                <>
                  <Divider label="or" />
                  <IssuerButton issuer={issuer} forTab={forTab} />
                </>
              )}
              <Checkbox
                label="Stay signed in until I close this tab"
                description="You stay signed in when you reload the page."
                checked={forTab}
                onChange={(event) => setForTab(event.currentTarget.checked)}
              />
            </>
          )}
        </Stack>
      </Paper>
    </Center>
  );
}

/** @returns the error message; null if the user is signed in */
async function finish(parameters: URLSearchParams): Promise<string | null> {
  try {
    const { takeReturn } = await import('./issuer.js');
    const returned = await takeReturn(parameters);
    if ('fault' in returned) return returned.fault;
    const judgement = await judge(`Bearer ${returned.tokens.access}`);
    if (!judgement.opens) return judgement.fault;
    history.replaceState(null, '', returned.path);
    signIn(returned.tokens, returned.forTab);
    return null;
  } catch {
    return 'No response from the server. Check that it is running, then sign in again.';
  }
}
