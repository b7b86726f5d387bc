import { Badge, Code, Group } from '@mantine/core';
import type { ApiKeyStatus, KeyRowFragment } from '../generated/graphql.js';
import { DAY } from '../parts/moments.js';
import { useNow } from '../parts/useNow.js';
import { ENVIRONMENTS, STATUSES, TYPES } from '../parts/words.js';

const COLORS: Readonly<Record<ApiKeyStatus, string>> = { ACTIVE: 'pine', EXPIRED: 'gray', REVOKED: 'red' };

type Standing = Pick<KeyRowFragment, 'status' | 'expiresAt' | 'replacedBy'>;

/** The key's status, and what is about to become of it. */
export function StatusBadges({ status, expiresAt, replacedBy }: Standing) {
  const now = useNow();
  const left = expiresAt === null ? null : Date.parse(expiresAt) - now;
  const active = status === 'ACTIVE';
  return (
    <Group gap={6} style={{ flexShrink: 0 }}>
      <Badge color={COLORS[status]}>{STATUSES[status]}</Badge>
      {active && replacedBy !== null && <Badge color="blue">In overlap</Badge>}
      {active && replacedBy === null && left !== null && left < 7 * DAY && <Badge color="orange">Ends soon</Badge>}
    </Group>
  );
}

/** What kind of key it is, in words: `Secret · Live`. */
export function kindOf({ type, environment }: Pick<KeyRowFragment, 'type' | 'environment'>): string {
  return `${TYPES[type]} · ${ENVIRONMENTS[environment]}`;
}

/** The scopes, or the first of them where there are more than fit. @param most how many are shown. Default: all */
export function Scopes({
  scopes,
  most = scopes.length,
}: {
  readonly scopes: readonly string[];
  readonly most?: number;
}) {
  const shown = scopes.slice(0, most);
  const rest = scopes.slice(most);
  return (
    <Group gap={4}>
      {shown.map((scope) => (
        <Code key={scope}>{scope}</Code>
      ))}
      {rest.length > 0 && (
        <Badge color="gray" title={rest.join(', ')}>
          {rest.length} more
        </Badge>
      )}
    </Group>
  );
}
