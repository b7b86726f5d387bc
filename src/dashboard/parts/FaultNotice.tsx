import { Alert, Button, Group, List, Text } from '@mantine/core';
import { AlertIcon, ClockIcon, LockIcon, UnlinkIcon } from '@primer/octicons-react';
import type { ReactNode } from 'react';
import type { Fault } from '../api/apiFault.js';
import { useNow } from './useNow.js';

interface FaultNoticeProps {
  readonly fault: Fault;
  /** When the request is repeated, in ms since the epoch. Default: never */
  readonly again?: number | null;
  /** Default: there is no button. */
  readonly ask?: () => void;
}

/** Shows an error and how to fix it. Shows nothing if the session has ended, because the sign-in page shows the reason. */
export function FaultNotice({ fault, again = null, ask }: FaultNoticeProps) {
  switch (fault.kind) {
    case 'signedOut':
      return null;
    case 'forbidden':
      return (
        <Notice color="yellow" title="Permission denied" icon={<LockIcon />}>
          <Text size="sm">{fault.message}</Text>
          {fault.missing.length > 0 && (
            <>
              <Text size="sm" mt="xs">
                Missing {fault.missing.length === 1 ? 'scope' : 'scopes'}:
              </Text>
              <List size="sm">
                {fault.missing.map((scope) => (
                  <List.Item key={scope}>
                    <code>{scope}</code>
                  </List.Item>
                ))}
              </List>
            </>
          )}
          <Text size="sm" mt="xs">
            Ask an admin of the workspace to add {fault.missing.length === 1 ? 'it' : 'them'} to your key, or sign in
            with another key.
          </Text>
        </Notice>
      );
    case 'limited':
      return (
        <Notice color="yellow" title="Too many requests" icon={<ClockIcon />}>
          <Text size="sm">Your key has reached its rate limit.</Text>
          <Countdown to={again ?? fault.at + fault.retryAfter * 1_000} byItself={again !== null} />
        </Notice>
      );
    case 'unavailable':
    case 'offline':
      return (
        <Notice color="yellow" title="No response from the server" icon={<UnlinkIcon />}>
          <Text size="sm">{fault.kind === 'offline' ? 'Check your internet connection.' : fault.message}</Text>
          {again !== null && <Countdown to={again} byItself />}
          {again === null && <Text size="sm">The change may have been made anyway. Check before you try again.</Text>}
          <AskButton ask={ask} />
        </Notice>
      );
    case 'refused':
    case 'failed':
      return (
        <Notice color="red" title="Something went wrong" icon={<AlertIcon />}>
          <Text size="sm">{fault.message}</Text>
          <AskButton ask={ask} />
        </Notice>
      );
  }
}

function Notice(props: {
  readonly color: string;
  readonly title: string;
  readonly icon: ReactNode;
  readonly children: ReactNode;
}) {
  return <Alert {...props} role="alert" styles={{ title: { fontWeight: 600 } }} />;
}

/** Counts down. The role timer keeps screen readers from reading every second. */
function Countdown({ to, byItself }: { readonly to: number; readonly byItself: boolean }) {
  const seconds = Math.max(0, Math.ceil((to - useNow()) / 1_000));
  const rest = seconds === 0 ? 'now' : `in ${seconds} s`;
  return (
    <Text size="sm" role="timer" className="number">
      {byItself ? `Trying again ${rest}.` : `Try again ${rest}.`}
    </Text>
  );
}

function AskButton({ ask }: Pick<FaultNoticeProps, 'ask'>) {
  if (ask === undefined) return null;
  return (
    <Group mt="xs">
      <Button size="xs" variant="default" onClick={ask}>
        Try now
      </Button>
    </Group>
  );
}
