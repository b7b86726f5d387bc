import { Badge, Code, Group, Stack, Text } from '@mantine/core';
import type { ApiKeyStatus, KeyRowFragment } from '../generated/graphql.js';
import { DAY } from '../parts/relativeTime.js';
import { useNow } from '../parts/useNow.js';
import { ENVIRONMENTS, STATUSES, TYPES } from '../parts/words.js';

const COLORS: Readonly<Record<ApiKeyStatus, string>> = { ACTIVE: 'pine', EXPIRED: 'gray', REVOKED: 'red' };

type Standing = Pick<KeyRowFragment, 'status' | 'expiresAt' | 'replacedBy'>;

/** Shows the status of a key, and whether it expires soon. */
export function StatusBadges({ status, expiresAt, replacedBy }: Standing) {
  const now = useNow();
  const left = expiresAt === null ? null : Date.parse(expiresAt) - now;
  const active = status === 'ACTIVE';
  return (
    <Group gap={6} style={{ flexShrink: 0 }}>
      <Badge color={COLORS[status]}>{STATUSES[status]}</Badge>
      {active && replacedBy !== null && <Badge color="blue">Rotated</Badge>}
      {active && replacedBy === null && left !== null && left < 7 * DAY && <Badge color="orange">Expires soon</Badge>}
    </Group>
  );
}

/** Returns the type and environment of a key: `Secret · Live`. */
export function kindOf({ type, environment }: Pick<KeyRowFragment, 'type' | 'environment'>): string {
  return `${TYPES[type]} · ${ENVIRONMENTS[environment]}`;
}

interface KeyScopesProps {
  readonly of: Pick<KeyRowFragment, 'scopes' | 'effectiveScopes'>;
  /** How many scopes are shown. Default: all */
  readonly most?: number;
}

/** Shows the scopes that were given to a key, and what the key can really do if the roles of its user allow less. */
export function KeyScopes({ of: { scopes, effectiveScopes }, most }: KeyScopesProps) {
  const differ = scopes.length !== effectiveScopes.length || scopes.some((scope) => !effectiveScopes.includes(scope));
  return (
    <Stack gap={4}>
      <Scopes scopes={scopes} {...(most !== undefined && { most })} />
      {differ && (
        <Group gap={4} title="The roles of the user limit what the key can do.">
          <Text span size="xs" c="dimmed">
            {effectiveScopes.length === 0 ? 'Effective: none' : 'Effective:'}
          </Text>
          <Scopes scopes={effectiveScopes} {...(most !== undefined && { most })} />
        </Group>
      )}
    </Stack>
  );
}

/** Shows scopes, or the first of them. @param most how many are shown. Default: all */
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
