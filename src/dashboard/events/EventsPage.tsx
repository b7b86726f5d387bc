import { Anchor, Badge, Group, Paper, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import type { KeyEventType } from '../generated/graphql.js';
import { Empty } from '../parts/Asking.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { Moment } from '../parts/Moment.js';
import { useNow } from '../parts/useNow.js';
import { EVENTS } from '../parts/words.js';
import { Page } from '../shell/Page.js';
import { useSession } from '../signIn/session.js';
import { hearKeyEvents, type KeyEvent, type StreamState } from './keyEvents.js';

/** Events that are kept in sight. What is older stands in the audit log. */
const KEPT = 200;

const COLORS: Readonly<Partial<Record<KeyEventType, string>>> = {
  CREATED: 'pine',
  REVOKED: 'red',
  LIMITED: 'orange',
  EXPIRING: 'orange',
  NEW_ADDRESS: 'orange',
};

interface Heard {
  readonly number: number;
  readonly event: KeyEvent;
}

/** What happens to keys, as it happens. */
export default function EventsPage() {
  const session = useSession();
  const [state, setState] = useState<StreamState>({ kind: 'connecting' });
  const [heard, setHeard] = useState<readonly Heard[]>([]);
  useEffect(() => {
    if (session.state === 'signedOut') return undefined;
    return hearKeyEvents({
      authorization: session.authorization,
      onEvent: (event) =>
        setHeard((before) => [{ number: (before[0]?.number ?? 0) + 1, event }, ...before].slice(0, KEPT)),
      onState: (state) => {
        if (state.kind === 'ended' && state.fault.kind === 'signedOut') session.signOut(state.fault.message);
        else setState(state);
      },
    });
  }, [session]);
  return (
    <Page title="Live events" actions={<StateLine state={state} />}>
      <Text size="sm" c="dimmed" maw={720}>
        What happens to the workspace’s keys while this page is open. What was before, and what is missed while the
        connection is away, stands in the audit log.
      </Text>
      {state.kind === 'ended' && <FaultNotice fault={state.fault} />}
      {heard.length === 0 && state.kind !== 'ended' && (
        <Empty title="Nothing has happened yet">
          A key that is created, rotated, changed or revoked shows here, and one that meets its limit, is about to
          expire or comes from a new address.
        </Empty>
      )}
      <Stack
        component="ol"
        gap="xs"
        p={0}
        m={0}
        style={{ listStyle: 'none' }}
        aria-label="Events"
        aria-live="polite"
        aria-relevant="additions"
      >
        {heard.map(({ number, event }) => (
          <Paper component="li" key={number} withBorder px="md" py="sm">
            <Event event={event} />
          </Paper>
        ))}
      </Stack>
    </Page>
  );
}

function Event({ event: { type, at, keyId, apiKey, actor, address } }: { readonly event: KeyEvent }) {
  return (
    <Group justify="space-between" gap="4px 12px">
      <Group gap="xs" miw={0}>
        <Badge color={COLORS[type] ?? 'blue'}>{EVENTS[type]}</Badge>
        <Anchor component={Link} href={`/keys/${keyId}`} size="sm" className="anywhere">
          {apiKey?.name ?? keyId}
        </Anchor>
        {address !== null && <Text size="sm">from {address}</Text>}
        {actor !== null && (
          <Text size="sm" c="dimmed" className="anywhere">
            by {actor}
          </Text>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        <Moment at={at} />
      </Text>
    </Group>
  );
}

function StateLine({ state }: { readonly state: StreamState }) {
  switch (state.kind) {
    case 'connected':
      return (
        <Badge color="pine" size="lg" role="status">
          Connected
        </Badge>
      );
    case 'connecting':
      return (
        <Badge color="gray" size="lg" role="status">
          Connecting
        </Badge>
      );
    case 'waiting':
      return <Waiting until={state.until} />;
    case 'ended':
      return (
        <Badge color="red" size="lg" role="status">
          Not connected
        </Badge>
      );
  }
}

function Waiting({ until }: { readonly until: number }) {
  const seconds = Math.max(0, Math.ceil((until - useNow()) / 1_000));
  return (
    <Badge color="orange" size="lg" role="status">
      Reconnecting<span aria-hidden> in {seconds} s</span>
    </Badge>
  );
}
