import { Badge, Group, Paper, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { KeyEventType, QuotaSubject } from '../generated/graphql.js';
import { Actor, KeyLink } from '../parts/Actor.js';
import { Empty } from '../parts/Asking.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { Moment } from '../parts/Moment.js';
import { useNow } from '../parts/useNow.js';
import { EVENTS } from '../parts/words.js';
import { Page } from '../shell/Page.js';
import { useSession } from '../signIn/session.js';
import { hearKeyEvents, type KeyEvent, type StreamState } from './keyEvents.js';

/** How many events the page shows. Older ones are in the audit log. */
const KEPT = 200;

const COLORS: Readonly<Partial<Record<KeyEventType, string>>> = {
  CREATED: 'pine',
  REVOKED: 'red',
  LIMITED: 'orange',
  QUOTA_USED: 'orange',
  EXPIRING: 'orange',
  NEW_ADDRESS: 'orange',
};

interface Heard {
  readonly number: number;
  readonly event: KeyEvent;
}

/** Shows events of keys as they happen. */
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
        Events of the workspace’s keys while this page is open. The audit log has earlier changes, and changes made
        while the connection is lost.
      </Text>
      {state.kind === 'ended' && <FaultNotice fault={state.fault} />}
      {heard.length === 0 && state.kind !== 'ended' && (
        <Empty title="No events yet">
          An event appears here when a key is created, rotated, changed or revoked, reaches its rate limit or a part of
          its quota, is about to expire or is used from a new address.
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

function Event({ event: { type, at, keyId, apiKey, actor, actorName, address, quota } }: { readonly event: KeyEvent }) {
  return (
    <Group justify="space-between" gap="4px 12px">
      <Group gap="xs" miw={0}>
        <Badge color={COLORS[type] ?? 'blue'}>{EVENTS[type]}</Badge>
        <KeyLink id={keyId} name={apiKey?.name ?? null} />
        {address !== null && <Text size="sm">from {address}</Text>}
        {quota != null && <Text size="sm">{quotaInWords(quota)}</Text>}
        {actor !== null && (
          <Text size="sm" c="dimmed" className="anywhere">
            by <Actor id={actor} name={actorName} />
          </Text>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        <Moment at={at} />
      </Text>
    </Group>
  );
}

const OF_SUBJECT: Readonly<Record<QuotaSubject, string>> = {
  KEY: 'the key',
  OWNER: 'its owner',
  PROJECT: 'its project',
  WORKSPACE: 'the workspace',
};

function quotaInWords({ percent, limit, unit, window, subject }: NonNullable<KeyEvent['quota']>): string {
  const units = unit === 'COST' ? 'cost units' : 'requests';
  return `${percent} % of ${limit.toLocaleString('en')} ${units} per ${window.toLowerCase()} of ${OF_SUBJECT[subject]}`;
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
