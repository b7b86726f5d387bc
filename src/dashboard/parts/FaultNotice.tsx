import { Alert, Button, Group, List, Text } from '@mantine/core';
import { AlertIcon, ClockIcon, LockIcon, UnlinkIcon } from '@primer/octicons-react';
import type { ReactNode } from 'react';
import type { Fault } from '../api/fault.js';
import { useNow } from './useNow.js';

export interface FaultNoticeProps {
  readonly fault: Fault;
  /** When the page asks again by itself, in ms since the epoch. Default: it does not. */
  readonly again?: number | null;
  /** Default: there is no button for it. */
  readonly ask?: () => void;
}

/** Tells what went wrong, what helps, and whether anything is to be done. Silent where the session ended: the sign-in tells. */
export function FaultNotice({ fault, again = null, ask }: FaultNoticeProps) {
  switch (fault.kind) {
    case 'signedOut':
      return null;
    case 'forbidden':
      return (
        <Notice color="yellow" title="You may not do that" icon={<LockIcon />}>
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
            Ask an admin of the workspace to add {fault.missing.length === 1 ? 'it' : 'them'} to your key, or sign out
            and sign in with a key that has {fault.missing.length === 1 ? 'it' : 'them'}.
          </Text>
        </Notice>
      );
    case 'limited':
      return (
        <Notice color="yellow" title="Too many requests" icon={<ClockIcon />}>
          <Text size="sm">This key has used up its limit for now.</Text>
          <Countdown to={again ?? fault.at + fault.retryAfter * 1_000} byItself={again !== null} />
        </Notice>
      );
    case 'unavailable':
    case 'offline':
      return (
        <Notice color="yellow" title="The server does not answer" icon={<UnlinkIcon />}>
          <Text size="sm">{fault.kind === 'offline' ? 'Check that this device is online.' : fault.message}</Text>
          {again !== null && <Countdown to={again} byItself />}
          {again === null && <Text size="sm">It may have been done nevertheless: look before you try again.</Text>}
          <AskButton ask={ask} />
        </Notice>
      );
    case 'refused':
    case 'failed':
      return (
        <Notice color="red" title="That did not work" icon={<AlertIcon />}>
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

/** Its seconds are for the eye: a screen reader would be told of each. */
function Countdown({ to, byItself }: { readonly to: number; readonly byItself: boolean }) {
  const seconds = Math.max(0, Math.ceil((to - useNow()) / 1_000));
  const rest = seconds === 0 ? 'now' : `in ${seconds} s`;
  return (
    <Text size="sm" role="timer" className="number">
      {byItself ? `It is asked again by itself ${rest}.` : `You can try again ${rest}.`}
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
