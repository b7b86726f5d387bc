import { Group, Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type {
  CreditsFragment,
  LimitSource,
  QuotaFragment,
  QuotaSubject,
  WindowFragment,
} from '../generated/graphql.js';
import { Moment } from '../parts/Moment.js';
import { count } from '../parts/words.js';
import { refillText, unitsOf } from './quotaText.js';

/** The beginnings of the names of limits. */
const SHARING: Readonly<Record<QuotaSubject, string>> = {
  KEY: '',
  OWNER: 'All keys of the owner ',
  PROJECT: 'All keys of the project ',
  WORKSPACE: 'All keys of the workspace ',
};

/** Returns the name of a limit: `All keys of the owner per month`, or `Per month` for a key. */
export function nameOf(subject: QuotaSubject, what: string): string {
  const name = `${SHARING[subject]}${what}`;
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

function creditsName(subject: QuotaSubject): string {
  const of = SHARING[subject].trim();
  return of === '' ? 'Credits' : `Credits of ${of.charAt(0).toLowerCase()}${of.slice(1)}`;
}

/** Shows a window and its remaining requests. */
export function WindowRow({ name, window }: { readonly name: string; readonly window: WindowFragment }) {
  return (
    <Row name={name} {...window}>
      <Origin {...window} />
    </Row>
  );
}

/** Shows the use of a quota, and when it is renewed. */
export function QuotaRow({ quota, name }: { readonly quota: QuotaFragment; readonly name?: string }) {
  const { window, unit, subject, limit, used, remaining, resetsAt } = quota;
  const units = unit === 'COST' ? ', in cost units' : '';
  return (
    <Row name={`${name ?? nameOf(subject, `per ${window.toLowerCase()}`)}${units}`} limit={limit} remaining={remaining}>
      <Text size="xs" c="dimmed" className="number" mt={4}>
        {count(used)} used. Renewed on <Moment at={resetsAt} />.
      </Text>
      <Origin {...quota} />
    </Row>
  );
}

/** Shows a balance and its next refill. */
export function CreditsRow({ credits, name }: { readonly credits: CreditsFragment; readonly name?: string }) {
  const { balance, unit, subject, refill, refillsAt } = credits;
  return (
    <div>
      <Group justify="space-between" gap="0 12px" mb={4}>
        <Text size="sm">{name ?? creditsName(subject)}</Text>
        <Text size="sm" className="number" c={balance === 0 ? 'red' : undefined}>
          {count(balance)} {unitsOf(unit)} left
        </Text>
      </Group>
      <Text size="xs" c="dimmed">
        {refill === null ? (
          'Only added credits raise the balance.'
        ) : (
          <>
            {refillText(refill)}
            {refillsAt !== null && (
              <>
                , next on <Moment at={refillsAt} />
              </>
            )}
            .
          </>
        )}
      </Text>
    </div>
  );
}

interface RowProps {
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
  readonly children: ReactNode;
}

function Row({ name, limit, remaining, children }: RowProps) {
  const used = limit - remaining;
  return (
    <div>
      <Group justify="space-between" gap="0 12px" mb={4}>
        <Text size="sm">{name}</Text>
        <Text size="sm" className="number">
          {count(remaining)} of {count(limit)} left
        </Text>
      </Group>
      <Progress
        value={(100 * used) / limit}
        aria-label={`${name}: ${count(used)} of ${count(limit)} used`}
        color={remaining === 0 ? 'red' : 'pine'}
      />
      {children}
    </div>
  );
}

/** Shows that a limit differs from the tier's limit. */
function Origin({ source, until }: { readonly source: LimitSource; readonly until: string | null }) {
  if (source !== 'OVERRIDE') return null;
  return (
    <Text size="xs" c="dimmed">
      Replaces the limit of the tier
      {until !== null && (
        <>
          , until <Moment at={until} />
        </>
      )}
    </Text>
  );
}
