import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { signInWithKey, useSession } from './session.js';

/** Asks for an admin key. */
export function SignInPage() {
  const session = useSession();
  const [key, setKey] = useState('');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (key.trim() !== '') signInWithKey(key.trim());
  };
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper component="form" onSubmit={submit} withBorder p="xl" w="100%" maw={420}>
        <Stack>
          <Title order={1} size="h3">
            Sign in to Latchkey
          </Title>
          {session.state === 'signedOut' && session.reason !== null && <Alert color="yellow">{session.reason}</Alert>}
          <PasswordInput
            label="API key"
            autoComplete="off"
            required
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
          />
          <Button type="submit">Sign in</Button>
          <Text size="sm" c="dimmed">
            The key stays in this tab and is gone when you close it.
          </Text>
        </Stack>
      </Paper>
    </Center>
  );
}
